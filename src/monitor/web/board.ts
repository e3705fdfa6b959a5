import { createBullBoard } from "@bull-board/api";
import { FastifyAdapter } from "@bull-board/fastify";
import { Queue } from "bullmq";
import type { FastifyInstance } from "fastify";
import { forbidden } from "../../domain/errors.ts";
import { allQueues } from "../../queues/allQueues.ts";
import type { OpenQueues } from "../../queues/openQueues.ts";
import type { Redis } from "../../redis/redis.ts";
import type { Logger } from "../../utils/logger.ts";
import { tellOf } from "./problems.ts";
import { RedactedAdapter } from "./redactedAdapter.ts";

export const BOARD_PATH = "/board";

/** Bull Board writes styles into its elements; its scripts are files of its own. */
const CONTENT_SECURITY_POLICY =
  "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; object-src 'none'; form-action 'none'; frame-ancestors 'none'; base-uri 'self'";
/** The fonts it would fetch from Google, were it allowed to. */
const FOREIGN_LINKS = /<link\b[^>]*\bhref="https?:[^>]*>/g;

/**
 * Bull Board, to look at every job: its own buttons would go past the outbox and the audit log, so it has none.
 */
export async function boardRoutes(
  app: FastifyInstance,
  { redis, queues, log }: { redis: Redis; queues: OpenQueues; log: Logger },
): Promise<void> {
  // Queues of its own on the shared connection: it holds on to them, which `queues` does not let anybody do.
  const open = allQueues.map(({ name }) => {
    const queue = new Queue(name, { connection: redis, prefix: queues.prefix, skipVersionCheck: true });
    return queue.on("error", () => {}); // the same error reaches the caller, and the connection logs its own
  });
  app.addHook("onClose", () => Promise.all(open.map((queue) => queue.close())));
  app.addHook("onRequest", async ({ method }, reply) => {
    if (method !== "GET" && method !== "HEAD")
      throw forbidden("The board is for looking. Act on the monitor's own pages.");
    queues.checkConnected(); // BullMQ would wait for the connection, for ever if need be
    reply.header("content-security-policy", CONTENT_SECURITY_POLICY);
  });
  app.addHook("onSend", async (_request, reply, payload) =>
    typeof payload === "string" && String(reply.getHeader("content-type")).startsWith("text/html")
      ? payload.replace(FOREIGN_LINKS, "")
      : payload,
  );

  const serverAdapter = new FastifyAdapter();
  serverAdapter.setBasePath(BOARD_PATH);
  createBullBoard({
    queues: open.map(
      (queue) =>
        new RedactedAdapter(queue, {
          readOnlyMode: true,
          externalJobUrl: ({ id }) => ({ displayText: "Act on it", href: `/jobs/${queue.name}/${id}` }),
        }),
    ),
    serverAdapter,
    options: {
      uiConfig: {
        boardTitle: "Lectern",
        miscLinks: [{ text: "Overview", url: "/" }],
        hideDocsLink: true,
        locale: { lng: "en" },
      },
    },
  });
  // Its own takes every refusal for a fault. It knows fewer statuses than there are, and passes on any.
  serverAdapter.setErrorHandler((error) => {
    const { status, message } = tellOf(error, { log, requestId: "board" });
    return { status: status as 500, body: { error: message } };
  });
  await app.register(serverAdapter.registerPlugin(), { prefix: BOARD_PATH });
}
