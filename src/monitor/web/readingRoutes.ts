import type { FastifyInstance } from "fastify";
import type { Container } from "../../container.ts";
import { notFound } from "../../domain/errors.ts";
import { allQueues } from "../../queues/allQueues.ts";
import { readHistory } from "../../queues/jobHistory.ts";
import { QueuesUnavailable } from "../../queues/openQueues.ts";
import { isAway, takeSnapshot } from "../snapshot.ts";
import { actButtons, type ShownAct } from "./actPages.ts";
import { shownActs } from "./actRoutes.ts";
import { deadLetterList, deadLetterPage } from "./deadLetterPages.ts";
import { type Guard, requireActing } from "./guard.ts";
import { html } from "./html.ts";
import { jobPage } from "./jobPage.ts";
import { page } from "./layout.ts";
import { overview } from "./overviewPage.ts";
import { queuePage } from "./queuePage.ts";

const HOUR = 60;
const DAY = 24 * HOUR;
const MOST_LISTED = 200;

const queueNames = allQueues.map(({ name }) => name);
const has = ({ fields }: ShownAct, name: string) => fields.some((field) => field.name === name && field.isRequired);

/** The pages that only show. */
export function readingRoutes(
  app: FastifyInstance,
  {
    container,
    guard,
  }: {
    container: Pick<Container, "db" | "queueRedis" | "queues" | "deadLetters" | "clock" | "services">;
    guard: Guard;
  },
): void {
  const { db, queueRedis: redis, queues, deadLetters, clock, services } = container;
  const acts = shownActs(services.operations.acts);
  const actsOnJob = acts.filter((act) => has(act, "jobId"));
  const actsOnQueue = acts.filter((act) => has(act, "queue") && !actsOnJob.includes(act));

  const snapshot = () => takeSnapshot({ db, redis, queues, clock });
  /** The charts' minutes, of one queue or of all; a minute more than is drawn, because the last is under way. */
  const history = (minutes: number, names: readonly string[] = queueNames) =>
    readHistory({ redis, prefix: queues.prefix, queues: names, now: clock(), minutes: minutes + 1 });

  app.get("/", async (request, reply) => {
    const now = await snapshot();
    const minutes = isAway(now.queues) ? new Map() : await history(HOUR);
    const shown = { title: "Overview", at: "/", main: overview(now, minutes), isLive: true };
    return reply.type("text/html").send(page(guard.visitOf(request), shown));
  });

  app.get<{ Params: { queue: string } }>("/queues/:queue", async (request, reply) => {
    const { queue: name } = request.params;
    if (!queueNames.includes(name)) throw notFound("queue");
    const now = await snapshot();
    if (isAway(now.queues)) throw new QueuesUnavailable(now.queues.away);
    const minutes = (await history(DAY - 1, [name])).get(name) ?? [];
    const visit = guard.visitOf(request);
    const buttons = visit.viewer.mayAct ? actButtons(actsOnQueue, { queue: name }) : html``;
    const main = queuePage(now.queues.find((queue) => queue.name === name)!, minutes, buttons);
    return reply.type("text/html").send(page(visit, { title: name, at: "/", main, isLive: true }));
  });

  app.get<{ Querystring: Record<string, string | undefined> }>("/dead-letters", async (request, reply) => {
    const { queue = "", name = "", error = "" } = request.query;
    const visit = guard.visitOf(request);
    const found = await deadLetters.list({
      queue: queue || undefined,
      name: name || undefined,
      error: error || undefined,
      first: MOST_LISTED,
    });
    const shown = { wish: { queue, name, error }, queues: queueNames, mayAct: visit.viewer.mayAct };
    const main = deadLetterList(found, shown);
    return reply.type("text/html").send(page(visit, { title: "Dead letters", at: "/dead-letters", main }));
  });

  app.get<{ Params: { id: string } }>("/dead-letters/:id", async (request, reply) => {
    const letter = await deadLetters.find(request.params.id);
    if (!letter) throw notFound("dead letter");
    const visit = guard.visitOf(request);
    const main = deadLetterPage(letter, visit.viewer.mayAct);
    return reply.type("text/html").send(page(visit, { title: letter.name, at: "/dead-letters", main }));
  });

  app.get<{ Params: { queue: string; jobId: string } }>("/jobs/:queue/:jobId", async (request, reply) => {
    const { queue, jobId } = request.params;
    const job = await services.operations.showJob(requireActing(request), queue, jobId);
    const main = jobPage(job, actButtons(actsOnJob, { queue, jobId }));
    return reply.type("text/html").send(page(guard.visitOf(request), { title: job.name, at: "/board/", main }));
  });
}
