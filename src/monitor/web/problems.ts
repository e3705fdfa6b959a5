import { STATUS_CODES } from "node:http";
import type { FastifyInstance } from "fastify";
import { DomainError, unavailable } from "../../domain/errors.ts";
import { STATUS } from "../../middlewares/httpStatus.ts";
import { QueuesUnavailable } from "../../queues/openQueues.ts";
import { isOutage } from "../../services/outage.ts";
import type { Logger } from "../../utils/logger.ts";
import { problemPage } from "./layout.ts";

/** What an operator is told of an error: operators may know which part is away. */
function refusalOf(error: unknown): DomainError | null {
  if (error instanceof DomainError) return error;
  if (error instanceof QueuesUnavailable) return unavailable(`Redis is away: ${error.message}`, 2, error);
  if (isOutage(error)) return unavailable("PostgreSQL is away, and without it nobody can be recognised.", 2, error);
  return null;
}

interface Told {
  status: number;
  message: string;
  retryAfter?: number;
}

/** What to answer to an error; faults are logged. */
export function tellOf(error: unknown, { log, requestId }: { log: Logger; requestId: string }): Told {
  const refusal = refusalOf(error);
  if (refusal) {
    if (refusal.code === "SERVICE_UNAVAILABLE")
      log.warn({ err: refusal.cause, requestId }, "a request could not be served");
    return { status: STATUS[refusal.code], message: refusal.message, retryAfter: refusal.retryAfter };
  }
  const status = error instanceof Error && "statusCode" in error ? Number(error.statusCode) : 500;
  if (status < 500) return { status, message: (error as Error).message }; // Fastify's own refusals
  log.error({ err: error, requestId }, "a request failed");
  return { status: 500, message: `Something went wrong; the log has it under ${requestId}.` };
}

/** Answers every error with a page that says what is wrong. */
export function problemPages(app: FastifyInstance, log: Logger): void {
  app.setErrorHandler((error, request, reply) => {
    const { status, message, retryAfter } = tellOf(error, { log, requestId: request.id });
    if (retryAfter) reply.header("retry-after", retryAfter);
    return reply
      .code(status)
      .type("text/html")
      .send(problemPage(STATUS_CODES[status] ?? "Error", message));
  });
  app.setNotFoundHandler((_request, reply) =>
    reply.code(404).type("text/html").send(problemPage("Not found", "There is no such page.")),
  );
}
