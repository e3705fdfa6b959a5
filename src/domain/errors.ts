export type ErrorCode =
  | "BAD_USER_INPUT"
  | "UNAUTHENTICATED"
  | "FORBIDDEN"
  | "NOT_FOUND"
  | "CONFLICT"
  | "UNPROCESSABLE"
  | "RATE_LIMITED"
  | "SERVICE_UNAVAILABLE";

export interface FieldProblem {
  /** Where in the input, e.g. `input.questions.3.points`. */
  path: string;
  message: string;
}

export interface ErrorDetails {
  /** What a program can tell apart within one code, e.g. `ATTEMPT_CLOSED`. */
  reason?: string;
  fields?: FieldProblem[];
  /** Seconds to wait before asking again. */
  retryAfter?: number;
  cause?: unknown;
}

/** A refusal: the request was understood and a rule says no. The message is shown to the client as it stands. */
export class DomainError extends Error {
  readonly code: ErrorCode;
  readonly reason?: string;
  readonly fields?: FieldProblem[];
  readonly retryAfter?: number;

  constructor(code: ErrorCode, message: string, { reason, fields, retryAfter, cause }: ErrorDetails = {}) {
    super(message, { cause });
    this.name = "DomainError";
    this.code = code;
    this.reason = reason;
    this.fields = fields;
    this.retryAfter = retryAfter;
  }
}

export const notFound = (what: string) => new DomainError("NOT_FOUND", `There is no such ${what}.`);
export const forbidden = (message = "You are not allowed to do this.", reason?: string) =>
  new DomainError("FORBIDDEN", message, { reason });
export const unauthenticated = (message = "Log in first.", reason?: string) =>
  new DomainError("UNAUTHENTICATED", message, { reason });
export const conflict = (message: string, reason?: string) => new DomainError("CONFLICT", message, { reason });
export const unprocessable = (reason: string, message: string) => new DomainError("UNPROCESSABLE", message, { reason });
/** @param retryAfter seconds until it may be tried again */
export const rateLimited = (retryAfter: number) =>
  new DomainError("RATE_LIMITED", "This was tried too often. Wait before you try again.", { retryAfter });
export const badInput = (message: string, fields: FieldProblem[] = []) =>
  new DomainError("BAD_USER_INPUT", message, { fields });
export const unavailable = (message: string, retryAfter: number, cause?: unknown) =>
  new DomainError("SERVICE_UNAVAILABLE", message, { retryAfter, cause });
