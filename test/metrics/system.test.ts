import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { createSchema } from "../../src/apollo/schema.ts";
import { readConfig } from "../../src/config.ts";
import { createMetrics } from "../../src/metrics/metrics.ts";
import { queueMetrics } from "../../src/metrics/queues.ts";
import { allQueues } from "../../src/queues/allQueues.ts";
import { openQueues } from "../../src/queues/openQueues.ts";
import { createRedis } from "../../src/redis/redis.ts";
import { createLogger } from "../../src/utils/logger.ts";
import { startMonitor } from "../monitor/web/monitorSite.ts";
import { eventually } from "../support/eventually.ts";
import { openSite, type Program, type Site } from "../support/processes.ts";
import {
  alertRules,
  type Prometheus,
  panelExpressions,
  prometheusIsMissing,
  promtool,
  startPrometheus,
} from "../support/prometheus.ts";
import { Samples, scrape } from "../support/samples.ts";
import { anExam, aSchool, type School } from "../support/school.ts";
import { subscribeTo } from "../support/subscriber.ts";
import { testEnvironment } from "../support/testApp.ts";
import { testRedis } from "../support/testDatabase.ts";
import { nothingsId } from "../support/world.ts";

const PATIENCE_MS = 60_000;

let site: Site;
let server: Program;
let worker: Program;
let monitor: Awaited<ReturnType<typeof startMonitor>>;
let school: School;
let examId: string;
beforeAll(async () => {
  site = await openSite({ env: { INTROSPECTION: "false" } });
  [server, worker] = await Promise.all([site.start("server"), site.start("worker")]);
  const config = readConfig(testEnvironment(site.databaseUrl, testRedis()));
  monitor = await startMonitor({ container: site.container, config });
  school = await aSchool(site.container, { students: 6 });
  ({ examId } = await anExam(site.container, school));
}, 120_000);
afterAll(async () => {
  await monitor?.close();
  await site?.close();
});

async function ask(query: string, variables: object = {}, token = school.teacher.token) {
  const headers = { "content-type": "application/json", authorization: `Bearer ${token}` };
  const body = JSON.stringify({ query, variables });
  const response = await fetch(`${server.url}/graphql`, { method: "POST", headers, body });
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into answers of any shape
  return (await response.json()) as any;
}

const requests = "lectern_graphql_duration_seconds_count";
const errors = "lectern_graphql_errors_total";

/** How much a counter has grown since the look before. */
async function growthOf(story: () => Promise<unknown>) {
  const before = await scrape(server);
  await story();
  const after = await scrape(server);
  return (name: string, labels: Record<string, string> = {}) =>
    (after.value(name, labels) ?? 0) - (before.value(name, labels) ?? 0);
}

describe("the server's metrics", () => {
  it("count the requests of an operation by the field it asks for, stored answers too", async () => {
    const see = () => ask("query Any($id: ID!) { exam(id: $id) { title description } }", { id: examId });
    const exam = { type: "query", operation: "exam" };
    const first = await growthOf(see);
    expect(first(requests, exam)).toBe(1);
    expect(first("lectern_edge_cache_lookups_total", { outcome: "miss" })).toBe(1);
    // News of the exam's making may still come, and drop what was stored.
    const stored = await eventually(
      "an answer is served from the store",
      async () => {
        const grown = await growthOf(see);
        return grown("lectern_edge_cache_lookups_total", { outcome: "hit" }) === 1 ? grown : null;
      },
      PATIENCE_MS,
    );
    expect(stored(requests, exam)).toBe(1);
    expect(stored("lectern_graphql_duration_seconds_bucket", { ...exam, le: "+Inf" })).toBe(1);
  });

  it("count each request with errors once, under the gravest code", async () => {
    const grown = await growthOf(async () => {
      await ask("query ($id: ID!) { exam(id: $id) { title } }", { id: nothingsId() });
      await ask("{ a: exam(id: 1) { title } b: exam(id: 2) { title } }");
      await ask("{ nothing }");
      await ask("{");
      await fetch(`${server.url}/graphql`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: "no JSON",
      });
    });
    expect(grown(errors, { operation: "exam", code: "NOT_FOUND" })).toBe(2);
    expect(grown(errors, { operation: "unread", code: "BAD_USER_INPUT" })).toBe(3);
    expect(grown(requests, { operation: "unread" })).toBe(3);
  });

  it("have no more series for operations of other names, aliases and texts", async () => {
    await ask("query First { me { id } }");
    await ask("{ me { id } questionTypes { name } }");
    const ofOperations = async () =>
      (await scrape(server)).series.filter((text) => text.startsWith("lectern_graphql_"));
    const before = await ofOperations();
    const grown = await growthOf(async () => {
      for (let index = 0; index < 30; index++) {
        await ask(`query Name${index} { alias${index}: me { id } ...F } fragment F on Query { me { name } }`);
        await ask(`query Name${index} { alias${index}: me { id } questionTypes { name } }`);
      }
    });
    expect(grown(requests, { operation: "me" })).toBe(30);
    expect(grown(requests, { operation: "several" })).toBe(30);
    expect(await ofOperations()).toEqual(before);
  });

  it("name only operations that the schema has", async () => {
    const schema = createSchema();
    const types = [schema.getQueryType()!, schema.getMutationType()!, schema.getSubscriptionType()!];
    const known = new Set(types.flatMap((type) => Object.keys(type.getFields())));
    const exported = (await scrape(server)).series.flatMap((series) => /operation="(\w+)"/.exec(series)?.[1] ?? []);
    const rest = new Set(exported.filter((name) => !known.has(name)));
    expect([...rest].sort()).toEqual(expect.arrayContaining(["several", "unread"]));
    expect(["introspection", "none", "several", "unread"]).toEqual(expect.arrayContaining([...rest]));
  });

  it("tell how many subscriptions are open", async () => {
    const open = async () =>
      (await scrape(server)).value("lectern_graphql_subscriptions", { operation: "attemptChanged" });
    const { id } = await site.container.services.attempts.start(school.students[0]!.actor, examId);
    const query = "subscription ($id: ID!) { attemptChanged(attemptId: $id) { status } }";
    const happenings = subscribeTo(server.url, query, { id }, school.students[0]!.token);
    const first = happenings.next();
    await eventually("the subscription is open", async () => (await open()) === 1, PATIENCE_MS);
    await site.container.services.attempts.submit(school.students[0]!.actor, id);
    await first;
    await happenings.return?.();
    await eventually("it is closed", async () => (await open()) === 0, PATIENCE_MS);
  });

  it("tell how saves gather, and what the outbox hands over", async () => {
    const students = school.students.slice(1);
    const [attempt] = (await Promise.all(students.map(({ token }) => ask(START, { examId }, token)))) as {
      data: { startAttempt: { id: string; paper: { questions: { id: string }[] } } };
    }[];
    const { id: attemptId, paper } = attempt!.data.startAttempt;
    const answers = paper.questions.map(({ id }) => ({ questionId: id, response: { choice: "b" }, revision: 1 }));
    const grown = await growthOf(async () => {
      expect((await ask(SAVE, { attemptId, answers }, students[0]!.token)).errors).toBeUndefined();
      await ask(SUBMIT, { attemptId }, students[0]!.token);
    });
    expect(grown("lectern_save_batch_requests_count")).toBe(1);
    expect(grown("lectern_save_batch_answers_sum")).toBe(3);
    expect(grown(requests, { operation: "saveAnswers" })).toBe(1);
    await eventually(
      "the attempt is graded",
      async () => (await site.container.db.attempt.findUnique({ where: { id: attemptId } }))?.status === "GRADED",
      PATIENCE_MS,
    );
    const { text } = await scrape(server);
    expect(text).toMatch(/^nodejs_eventloop_lag_p99_seconds /m);
  });
});

const START = `mutation ($examId: ID!) { startAttempt(examId: $examId) { id paper { questions { id } } } }`;
const SAVE = `mutation ($attemptId: ID!, $answers: [AnswerInput!]!) {
  saveAnswers(attemptId: $attemptId, answers: $answers) { receipts { outcome } }
}`;
const SUBMIT = "mutation ($attemptId: ID!) { submitAttempt(attemptId: $attemptId) { status } }";

describe("the worker's metrics, and the monitor's", () => {
  it("tell of every queue, of the outbox and of Redis", async () => {
    const completed = async () => (await scrape(worker)).value("bullmq_job_completed_total", { queue: "exam" }) ?? 0;
    await eventually("a graded attempt counts", async () => (await completed()) > 0, PATIENCE_MS);
    for (const program of [worker, monitor]) {
      const samples = await scrape(program);
      for (const { name: queue } of allQueues) {
        expect(samples.value("bullmq_job_count", { queue, state: "waiting" })).toBeGreaterThanOrEqual(0);
        expect(samples.value("lectern_queue_workers", { queue })).toBe(1);
      }
      expect(samples.value("bullmq_job_completed_total", { queue: "exam" })).toBeGreaterThan(0);
      expect(samples.value("lectern_source_up", { source: "redis" })).toBe(1);
      expect(samples.value("lectern_source_up", { source: "postgresql" })).toBe(1);
      expect(samples.value("lectern_outbox_waiting")).toBeGreaterThanOrEqual(0);
      expect(samples.value("lectern_redis_memory_bytes")).toBeGreaterThan(0);
    }
  });

  it("leave out what cannot be read, and say so", async () => {
    const { db, clock } = site.container;
    const log = createLogger({ level: "silent", pretty: false, program: "test" });
    const queueRedis = createRedis("redis://127.0.0.1:1", { role: "queue", log }); // nobody listens there
    const queues = openQueues({ redis: queueRedis, prefix: "nowhere" });
    const metrics = createMetrics();
    queueMetrics({ metrics, db, queueRedis, queues, clock });
    const samples = new Samples(await metrics.text());
    await queues.close();
    queueRedis.disconnect();
    expect(samples.value("lectern_source_up", { source: "redis" })).toBe(0);
    expect(samples.value("lectern_source_up", { source: "postgresql" })).toBe(1);
    expect(samples.value("lectern_outbox_waiting")).toBeGreaterThanOrEqual(0);
    const ofRedis = samples.series.filter((series) => /^(bullmq|lectern_queue|lectern_redis)_/.test(series));
    expect(ofRedis).toEqual([]);
  });

  it("tell how long each job ran", async () => {
    const graded = { queue: "exam", job_name: "gradeAttempt", outcome: "completed" };
    expect((await scrape(worker)).value("lectern_job_run_seconds_count", graded)).toBeGreaterThan(0);
  });
});

describe("what is asked of the metrics", () => {
  /** The metrics that an expression is about; what is within braces and quotes are labels. */
  const metricsIn = (expr: string) =>
    expr.replace(/\{[^}]*\}/g, "").match(/\b(lectern|bullmq|nodejs|process)_\w+/g) ?? [];

  it.each([
    ["the alert rules", alertRules],
    ["the dashboard", panelExpressions],
  ])("is there, for %s", async (_who, expressions) => {
    const known = new Set((await Promise.all([scrape(server), scrape(worker)])).flatMap(({ names }) => names));
    const asked = expressions().flatMap(({ expr }) => metricsIn(expr));
    expect(asked.length).toBeGreaterThan(20);
    expect(asked.filter((name) => !known.has(name))).toEqual([]);
  });
});

const withPrometheus = prometheusIsMissing ? describe.skip : describe;
withPrometheus(`a Prometheus${prometheusIsMissing ? ` (${prometheusIsMissing})` : ""}`, () => {
  let prometheus: Prometheus;
  beforeAll(async () => {
    prometheus = await startPrometheus({
      "lectern-server": [new URL(server.url).host],
      "lectern-worker": [new URL(worker.url).host],
      "lectern-monitor": [new URL(monitor.url).host],
    });
  }, 120_000);
  afterAll(() => prometheus?.close());

  it("finds our names as its guidelines want them", async () => {
    const texts = await Promise.all([scrape(server), scrape(worker)]);
    for (const { text } of texts) {
      const ours = text.split("\n").filter((line) => /^(# \w+ )?lectern_/.test(line));
      await promtool(["check", "metrics"], `${ours.join("\n")}\n`);
    }
  });

  it("scrapes the server, the worker and the monitor", async () => {
    await eventually("all are up", async () => (await prometheus.query("up == 1")).length === 3, PATIENCE_MS);
    const jobs = (await prometheus.query("up")).map(({ metric }) => metric.job);
    expect(jobs.sort()).toEqual(["lectern-monitor", "lectern-server", "lectern-worker"]);
  });

  it("can answer every panel of the dashboard", async () => {
    // Redis has no limit here.
    const panels = panelExpressions().filter(({ expr }) => !expr.includes("memory_limit"));
    for (const { title, expr } of panels)
      await eventually(`${title}: ${expr}`, async () => (await prometheus.query(expr)).length > 0, PATIENCE_MS);
  });

  it("evaluates every rule without an error", async () => {
    type Groups = { groups: { rules: { name: string; health: string; lastError?: string }[] }[] };
    const rules = await eventually(
      "all are evaluated",
      async () => {
        const { groups } = await prometheus.api<Groups>("rules");
        const all = groups.flatMap((group) => group.rules);
        return all.length > 0 && all.every(({ health }) => health !== "unknown") ? all : null;
      },
      PATIENCE_MS,
    );
    expect(rules.filter(({ health }) => health !== "ok")).toEqual([]);
    expect(rules.map(({ name }) => name).sort()).toEqual(
      alertRules()
        .map(({ alert }) => alert)
        .sort(),
    );
  });
});
