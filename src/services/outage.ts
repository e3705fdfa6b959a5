import { Prisma } from "../generated/prisma/client.ts";

const SOCKET_ERRORS = new Set(["ECONNREFUSED", "ECONNRESET", "EPIPE", "ETIMEDOUT", "ENOTFOUND", "EHOSTUNREACH"]);
/** SQLSTATE classes of a server that is going, coming, or out of room. @see https://www.postgresql.org/docs/current/errcodes-appendix.html */
const SERVER_STATES = /^(08|53|57P0|58)/;
/** Prisma: cannot reach, timed out, closed the connection, no connection free. @see https://www.prisma.io/docs/orm/reference/error-reference */
const PRISMA_OUTAGES = new Set(["P1001", "P1002", "P1008", "P1017", "P2024", "P2028"]);
/** The same for raw queries, which all have the code P2010: what the driver adapter says beneath it. */
const ADAPTER_OUTAGES = new Set(["DatabaseNotReachable", "SocketTimeout", "ConnectionClosed", "TooManyConnections"]);
/** The pg driver tells these only in words. */
const DRIVER_MESSAGES =
  /timeout exceeded when trying to connect|Connection terminated|Client has encountered a connection error|Query read timeout/;

/** Whether an error means that the database is away for now, and not that the request is wrong. */
export function isOutage(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof Prisma.PrismaClientKnownRequestError) {
    const adapterError = error.meta?.driverAdapterError as
      | { cause?: { kind?: string; originalCode?: string } }
      | undefined;
    const { kind = "", originalCode = "" } = adapterError?.cause ?? {};
    return PRISMA_OUTAGES.has(error.code) || ADAPTER_OUTAGES.has(kind) || SERVER_STATES.test(originalCode);
  }
  if (error instanceof Prisma.PrismaClientInitializationError) return true;
  const code = (error as { code?: unknown }).code;
  if (typeof code === "string" && (SOCKET_ERRORS.has(code) || SERVER_STATES.test(code))) return true;
  if (DRIVER_MESSAGES.test(error.message)) return true;
  return isOutage(error.cause);
}
