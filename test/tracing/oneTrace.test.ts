import { randomBytes, randomUUID } from "node:crypto";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { systemQueue } from "../../src/queues/system.queue.ts";
import { eventually } from "../support/eventually.ts";
import type { LogLine } from "../support/logLines.ts";
import { startMailServer } from "../support/mailServer.ts";
import { openSite, type Program, type Site } from "../support/processes.ts";
import { type ReceivedSpan, startCollector } from "./collector.ts";

/** Generous: programs start here, and the machine may be busy. */
jest.setTimeout(180_000);

const NODE_OPTIONS = `--require ${fileURLToPath(new URL("sayLoaded.cjs", import.meta.url))}`;
const REGISTER = `mutation ($input: RegisterInput!) { register(input: $input) { queued } }`;

const traceId = randomBytes(16).toString("hex");
const callersSpan = randomBytes(8).toString("hex");
const relayedTrace = randomBytes(16).toString("hex");
const requestId = randomUUID();
const refusedRequestId = randomUUID();
const email = `ada-${randomUUID()}@school.example`;
const refused = `refused-${randomUUID()}@school.example`;
const password = "a long and secret sentence";

let spans: ReceivedSpan[];
let serverLines: LogLine[];
let workerLines: LogLine[];
let mailText: string;

const linesOf = (program: Program): LogLine[] =>
  program
    .output()
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as LogLine);

const loadedOf = (lines: LogLine[]) => lines.find(({ msg }) => msg === "loaded of OpenTelemetry")?.files;

function register(server: Program, address: string, headers: Record<string, string>): Promise<Response> {
  const input = { email: address, name: "Ada Lovelace", password };
  return fetch(`${server.url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ query: REGISTER, variables: { input } }),
  });
}

/** What a server that crashed after its commit leaves: a row that nobody has handed over. */
async function leaveRow({ container: { db, outbox } }: Site): Promise<string> {
  const row = outbox.row(systemQueue, "pruneOutbox", {});
  const traceparent = `00-${relayedTrace}-${callersSpan}-01`;
  await db.outboxJob.create({ data: { ...row, payload: {}, traceparent } });
  return row.id;
}

beforeAll(async () => {
  const collector = await startCollector();
  const mails = await startMailServer({
    onRecipient: (to) => (to === refused ? { code: 550, text: `<${to}> is unknown here` } : undefined),
  });
  const site = await openSite({
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_BSP_SCHEDULE_DELAY: "600000", // nothing is sent before the programs stop
      SMTP_URL: mails.url,
      LOG_LEVEL: "debug",
      NODE_OPTIONS,
    },
  });
  try {
    const [server, worker] = await Promise.all([site.start("server"), site.start("worker")]);
    const traceparent = `00-${traceId}-${callersSpan}-01`;
    expect((await register(server, email, { traceparent, "x-request-id": requestId })).status).toBe(200);
    expect((await register(server, refused, { "x-request-id": refusedRequestId })).status).toBe(200);
    const left = await leaveRow(site);
    const saysOf = (id: string, what: string) =>
      eventually(
        what,
        () => linesOf(worker).some((line) => line.msg === what && Object.values(line).includes(id)),
        60_000,
      );
    await saysOf(requestId, "job done");
    await saysOf(refusedRequestId, "job failed for good");
    await saysOf(left, "job done");
    mailText = (
      await eventually("the mail is there", () => mails.mails.find(({ recipients }) => recipients[0] === email))
    ).raw;

    expect(collector.spans).toEqual([]);
    expect(await Promise.all([server.terminate(), worker.terminate()])).toEqual(["exit code 0", "exit code 0"]);
    spans = collector.spans;
    serverLines = linesOf(server);
    workerLines = linesOf(worker);
  } finally {
    await site.close();
    await Promise.all([collector.close(), mails.close()]);
  }
});

describe("a registration, from the request to the mail", () => {
  it("is one trace, which goes on with the caller's", () => {
    const chain: (string | undefined)[] = [];
    let at: ReceivedSpan | undefined = spans.find((span) => span.traceId === traceId && span.name === "send mail");
    let parent: string | undefined;
    while (at) {
      chain.push(`${at.service}: ${at.name}`);
      parent = at.parentSpanId;
      at = spans.find((span) => span.traceId === traceId && span.spanId === parent);
    }
    expect(chain.map((name) => name?.replace(/^lectern-\w+: outbox/, "outbox"))).toEqual([
      "lectern-worker: send mail",
      "lectern-worker: process email",
      "outbox sendTemplate", // by whichever hands it over first
      "lectern-server: mutation register",
      "lectern-server: POST /graphql",
    ]);
    expect(parent).toBe(callersSpan);
  });

  it("has one request id in the lines of the server and of the worker, and the trace's id", () => {
    for (const [lines, msg] of [
      [serverLines, "request"],
      [workerLines, "job done"],
    ] as const)
      expect(lines.filter((line) => line.requestId === requestId && line.msg === msg)).toMatchObject([{ traceId }]);
  });
});

describe("traces", () => {
  it("keep together where the relay hands over what a crashed server left", () => {
    const relayed = spans.filter((span) => span.traceId === relayedTrace);
    const outbox = relayed.find(({ name }) => name === "outbox pruneOutbox");
    expect(outbox).toMatchObject({ service: "lectern-worker", parentSpanId: callersSpan });
    expect(relayed.find(({ name }) => name === "process system")?.parentSpanId).toBe(outbox?.spanId);
  });

  it("tell that a job failed, and nothing of a person", () => {
    const ofRefused = workerLines.find((line) => line.requestId === refusedRequestId)?.traceId;
    const failed = spans.filter((span) => span.traceId === ofRefused && span.status.code === 2);
    expect(failed.map(({ name }) => name).sort()).toEqual(["process email", "send mail"]);
    const [, token] = /token=3?D?([\w-]{20,})/.exec(mailText.replaceAll("=\r\n", ""))!;
    const everything = JSON.stringify(spans);
    for (const secret of [email, refused, "school.example", "Ada Lovelace", password, token!])
      expect(everything).not.toContain(secret);
  });

  it("hold nothing of what programs do by themselves", () => {
    const roots = spans.filter(({ parentSpanId }) => !parentSpanId).map(({ name }) => name);
    expect(roots).toEqual(["POST /graphql"]); // readyz was asked, schedules have run, workers have looked around
    expect(spans.map(({ name }) => name).filter((name) => /stalled|next|healthz|readyz/i.test(name))).toEqual([]);
  });
});

describe("every log line", () => {
  /** What a process says of itself. */
  const OWN =
    /^(server is listening|worker is running|the cache uses redis|redis is (away|back)|stopping|stopped|loaded of OpenTelemetry|Videos .*)$/;

  it("of a request or a job has its request id; runs of schedules go by their own", () => {
    const without = [...serverLines, ...workerLines].filter((line) => !line.requestId && !OWN.test(line.msg));
    expect(without).toEqual([]);
    expect(workerLines.filter((line) => String(line.jobId).startsWith("repeat:")).length).toBeGreaterThan(0);
  });
});

describe("tracing", () => {
  let off: Site;
  let away: Site;
  beforeAll(async () => {
    off = await openSite({ env: { NODE_OPTIONS } });
    away = await openSite({
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1", OTEL_BSP_SCHEDULE_DELAY: "50", LOG_LEVEL: "info" },
    });
  });
  afterAll(() => Promise.all([off.close(), away.close()]));

  it("is off by default, and nothing of it is loaded", async () => {
    const server = await off.start("server");
    await server.terminate();
    expect(loadedOf(linesOf(server))).toBe(0);
    expect(loadedOf(serverLines)).toBeGreaterThan(0);
    expect(loadedOf(workerLines)).toBeGreaterThan(0);
  });

  it("hurts no request when its collector is away, and says so once", async () => {
    const server = await away.start("server");
    const isSaid = () => linesOf(server).filter(({ msg }) => msg.startsWith("traces do not reach")).length;
    for (let request = 0; request < 3; request++)
      expect((await register(server, `${request}-${email}`, {})).status).toBe(200);
    await eventually("it is said", isSaid, 60_000);
    expect((await register(server, `again-${email}`, {})).status).toBe(200);
    expect(await server.terminate()).toBe("exit code 0");
    expect(isSaid()).toBe(1);
  });
});
