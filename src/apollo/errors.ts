import { GraphQLError } from "graphql";
import { DomainError, unavailable } from "../domain/errors.ts";
import { STATUS } from "../middlewares/httpStatus.ts";
import { QueuesUnavailable } from "../queues/openQueues.ts";
import { isOutage } from "../services/outage.ts";
import type { Context } from "./context.ts";

export type PublicCode = keyof typeof STATUS;

/** Whether it is one of our codes; Apollo and GraphQL have others. */
export const isOurs = (code: unknown): code is PublicCode => typeof code === "string" && Object.hasOwn(STATUS, code);

/** The code that errors in their public form are counted under: that of the gravest; what Apollo and GraphQL refuse is a mistake. */
export function gravestOf(errors: readonly Pick<GraphQLError, "extensions">[]): PublicCode | undefined {
  const codes = errors.map(
    ({ extensions }): PublicCode => (isOurs(extensions?.code) ? extensions.code : "BAD_USER_INPUT"),
  );
  return codes.sort((a, b) => STATUS[b] - STATUS[a])[0];
}

/** Under which code an error that ends a request is counted. */
export function codeOf(error: unknown): PublicCode {
  const isMistake = error instanceof Error && "statusCode" in error && Number(error.statusCode) < 500;
  return refusalOf(error)?.code ?? (isMistake ? "BAD_USER_INPUT" : "INTERNAL_SERVER_ERROR");
}

/** The refusal at the bottom of an error, if there is one; an outage counts as the refusal it is to the client. */
function refusalOf(error: unknown): DomainError | null {
  for (let inner = error; inner instanceof Error; inner = (inner as GraphQLError).originalError ?? inner.cause) {
    if (inner instanceof DomainError) return inner;
    if (inner instanceof QueuesUnavailable || isOutage(inner))
      return unavailable("The service is away for the moment. Try again.", 2, inner);
  }
  return null;
}

/** Whether GraphQL itself says no: nothing but its own errors all the way down. */
function isMistake(error: GraphQLError): boolean {
  if (error.extensions?.code === "INTERNAL_SERVER_ERROR") return false;
  const { originalError } = error;
  return !originalError || (originalError instanceof GraphQLError && isMistake(originalError));
}

/** GraphQL quotes the whole variable it does not like; it may hold a password, and front ends pass messages on. */
const withoutValue = (message: string): string =>
  message.replace(
    /^(Variable "\$\w+") got invalid value [\s\S]*?(?: at "([^"]*)")?; ((?:(?!; )[\s\S])*)$/,
    (_all, name, path, why) => `${name} is not right${path ? ` at "${path}"` : ""}: ${why}`,
  );

function withExtensions(error: GraphQLError, message: string, extensions: Record<string, unknown>): GraphQLError {
  return new GraphQLError(message, {
    nodes: error.nodes,
    source: error.source,
    positions: error.positions,
    path: error.path,
    extensions,
  });
}

/**
 * What the client is told of an error: a refusal as it stands, a mistake in the request as GraphQL words it,
 * and of everything else only the request id, under which the log has it.
 */
export function toPublicError(
  error: GraphQLError,
  { log, requestId, trace }: Pick<Context, "log" | "requestId" | "trace">,
): GraphQLError {
  const { errorCodes } = trace;
  const refusal = refusalOf(error);
  if (refusal) {
    const { code, reason, fields, retryAfter } = refusal;
    if (code === "SERVICE_UNAVAILABLE" && reason !== "OVERLOADED")
      // the level is logged when it changes, not with each request
      log.warn({ err: refusal.cause, path: error.path, requestId }, "a request could not be served");
    errorCodes.push(reason ?? code);
    trace.retryAfter = retryAfter ?? trace.retryAfter;
    return withExtensions(error, refusal.message, { code, status: STATUS[code], reason, fields, retryAfter });
  }
  if (isMistake(error)) {
    errorCodes.push("BAD_USER_INPUT");
    return withExtensions(error, withoutValue(error.message), {
      code: "BAD_USER_INPUT",
      ...error.extensions,
      status: 400,
    });
  }
  log.error({ err: error.originalError ?? error, path: error.path, requestId }, "a request failed");
  errorCodes.push("INTERNAL_SERVER_ERROR");
  return withExtensions(error, "Something went wrong on the server. Name the request id when you report it.", {
    code: "INTERNAL_SERVER_ERROR",
    status: STATUS.INTERNAL_SERVER_ERROR,
    requestId,
  });
}
