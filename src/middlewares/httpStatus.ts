import type { ErrorCode } from "../domain/errors.ts";

/** The HTTP status that each code stands for; clients find it in `extensions.status`. */
export const STATUS: Record<ErrorCode | "INTERNAL_SERVER_ERROR", number> = {
  BAD_USER_INPUT: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  CONFLICT: 409,
  UNPROCESSABLE: 422,
  RATE_LIMITED: 429,
  INTERNAL_SERVER_ERROR: 500,
  SERVICE_UNAVAILABLE: 503,
};
