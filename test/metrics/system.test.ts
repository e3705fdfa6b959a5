import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { createSchema } from "../../src/apollo/schema.ts";
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
import { scrape } from "../support/samples.ts";
import { anExam, aSchool, type School } from "../support/school.ts";
import { subscribeTo } from "../support/subscriber.ts";
import { nothingsId } from "../support/world.ts";

const PATIENCE_MS = 60_000;

let site: Site;
let server: Program;
let worker: Program;
let school: School;
let examId: string;
beforeAll(async () => {
  site = await openSite({ env: { INTROSPECTION: "false" } });
  [server, worker] = await Promise.all([site.start("server"), site.start("worker")]);
  school = await aSchool(site.container, { students: 6 });
  ({ examId } = await anExam(site.container, school));
}, 120_000);
afterAll(() => site?.close());

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
    const SEE = "query Any($id: ID!) { exam(id: $id) { title description } }";
    const grown = await growthOf(async () => {
      for (let times = 0; times < 5; times++) await ask(SEE, { id: examId });
    });
    expect(grown(requests, { type: "query", operation: "exam" })).toBe(5);
    expect(grown("lectern_graphql_duration_seconds_bucket", { operation: "exam", le: "+Inf" })).toBe(5);
    expect(grown("lectern_edge_cache_lookups_total", { outcome: "hit" })).toBe(4);
    expect(grown("lectern_edge_cache_lookups_total", { outcome: "miss" })).toBe(1);
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

  it("have no more series for a thousand operations of other names, aliases and texts", async () => {
    await ask("query First { me { id } }");
    await ask("{ me { id } questionTypes { name } }");
    await ask("{ __typename }");
    const before = (await scrape(server)).series;
    const grown = await growthOf(async () => {
      for (let from = 0; from < 1_000; from += 50) {
        await Promise.all(
          Array.from({ length: 50 }, (_, index) => {
            const name = `Name${from + index}`;
            if (index < 40) return ask(`query ${name} { ${name}: __typename }`);
            if (index === 40) return ask(`{ ${name}: me { id } questionTypes { name } }`);
            return ask(`query ${name} { ${name}: me { id } ...F${name} } fragment F${name} on Query { me { name } }`);
          }),
        );
      }
    });
    expect(grown(requests, { operation: "me" })).toBe(180);
    expect(grown(requests, { operation: "several" })).toBe(20);
    const ofOperations = (series: string[]) => series.filter((text) => text.startsWith("lectern_graphql_"));
    expect(ofOperations((await scrape(server)).series)).toEqual(ofOperations(before));
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

describe("the worker's metrics", () => {
  it("tell of every queue, of the outbox and of Redis", async () => {
    const completed = async () => (await scrape(worker)).value("bullmq_job_completed_total", { queue: "exam" }) ?? 0;
    await eventually("a graded attempt counts", async () => (await completed()) > 0, PATIENCE_MS);
    const samples = await scrape(worker);
    for (const queue of ["exam", "user", "email", "video", "transcode", "system"]) {
      expect(samples.value("bullmq_job_count", { queue, state: "waiting" })).toBeGreaterThanOrEqual(0);
      expect(samples.value("lectern_queue_workers", { queue })).toBe(1);
    }
    expect(samples.value("lectern_source_up", { source: "redis" })).toBe(1);
    expect(samples.value("lectern_source_up", { source: "postgresql" })).toBe(1);
    expect(samples.value("lectern_outbox_waiting")).toBeGreaterThanOrEqual(0);
    expect(samples.value("lectern_redis_memory_bytes")).toBeGreaterThan(0);
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

  it("scrapes the server and the worker", async () => {
    await eventually("both are up", async () => (await prometheus.query("up == 1")).length === 2, PATIENCE_MS);
    const jobs = (await prometheus.query("up")).map(({ metric }) => metric.job);
    expect(jobs.sort()).toEqual(["lectern-server", "lectern-worker"]);
  });

  it("can answer every panel of the dashboard", async () => {
    // Redis has no limit here.
    const panels = panelExpressions().filter(({ expr }) => !expr.includes("memory_limit"));
    for (const { title, expr } of panels)
      await eventually(`${title}: ${expr}`, async () => (await prometheus.query(expr)).length > 0, PATIENCE_MS);
  });

  it("evaluates every rule, and none fires that should not", async () => {
    type Groups = { groups: { rules: { name: string; health: string; state: string; lastError?: string }[] }[] };
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
    expect(rules.filter(({ state }) => state === "firing").map(({ name }) => name)).toEqual([]);
  });
});
