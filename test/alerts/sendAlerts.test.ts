import { createHmac } from "node:crypto";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, describe, expect, it } from "@jest/globals";
import type { Alert, Notice } from "../../src/monitor/alerts/alertState.ts";
import { mailChannel, sendDue, signatureHeader, webhookChannel } from "../../src/monitor/alerts/sendAlerts.ts";
import { createSmtp } from "../../src/services/smtp.ts";
import { createLogger } from "../../src/utils/logger.ts";
import { startMailServer } from "../support/mailServer.ts";
import { at } from "./support.ts";

const log = createLogger({ level: "silent", pretty: false, program: "test" });
const alert = (change: Partial<Alert>): Alert => ({
  ...{ rule: "noWorker", subject: "exam", severity: "critical", says: "exam: no workers.", remedy: "Start a worker." },
  ...{ since: at(0), firedAt: at(30), wellSince: null, isAnnounced: true },
  ...change,
});
const notice: Notice = {
  at: at(300),
  began: [alert({})],
  over: [
    alert({ rule: "redisFull", subject: "redis", says: "Redis has used 95 % of its memory.", wellSince: at(240) }),
  ],
  still: [alert({ rule: "deadLetters", subject: "email", says: "email: <2> dead.", severity: "warning" })],
};
const unsent = (channels: string[]) => [{ id: "n1", notice, channels, tries: 0, nextTryAt: at(300) }];

let closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.reverse()) await close();
  closers = [];
});

/** A receiver that answers as told and keeps what it got. */
async function aReceiver(answers: number[]) {
  const got: { headers: IncomingHttpHeaders; body: string }[] = [];
  const server: Server = createServer(async (request, response) => {
    got.push({ headers: request.headers, body: await text(request) });
    response.writeHead(answers[got.length - 1] ?? 200, { location: "/elsewhere" }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(
    () => server.closeAllConnections(),
    () => new Promise((resolve) => server.close(resolve)),
  );
  return { got, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook` };
}

describe("a webhook", () => {
  it("gets the facts and a text that says what to do, signed", async () => {
    const { got, url } = await aReceiver([200]);
    const channels = [webhookChannel({ url, secret: "shared" })];
    expect(await sendDue(unsent(["webhook"]), { channels, now: at(300), log })).toEqual([]);
    const { headers, body } = got[0]!;
    expect(headers[signatureHeader]).toBe(`sha256=${createHmac("sha256", "shared").update(body).digest("hex")}`);
    const told = JSON.parse(body);
    expect(told.text).toBe(
      [
        "Lectern: 1 new, 1 over, 1 going on: noWorker",
        "",
        "CRITICAL noWorker (exam)",
        "exam: no workers.",
        "→ Start a worker.",
        "",
        "OVER redisFull (redis)",
        "Redis has used 95 % of its memory. From 2026-11-20 09:00:00 UTC to 2026-11-20 09:04:00 UTC.",
        "",
        "STILL deadLetters (email) since 2026-11-20 09:00:00 UTC",
        "email: <2> dead.",
      ].join("\n"),
    );
    expect(told).toMatchObject({ id: "n1", at: at(300) });
    expect(told.alerts).toMatchObject([
      {
        status: "began",
        rule: "noWorker",
        subject: "exam",
        severity: "critical",
        remedy: "Start a worker.",
        until: null,
      },
      { status: "over", rule: "redisFull", since: at(0), until: at(240) },
      { status: "still", rule: "deadLetters" },
    ]);
  });

  it("that does not take it, or leads elsewhere, is asked again with the same message", async () => {
    const { got, url } = await aReceiver([500, 302, 204]);
    const channels = [webhookChannel({ url })];
    let left = unsent(["webhook"]) as Awaited<ReturnType<typeof sendDue>>;
    for (const seconds of [300, 305, 310, 330]) left = await sendDue(left, { channels, now: at(seconds), log });
    expect(left).toEqual([]);
    expect(got).toHaveLength(3);
    expect(new Set(got.map(({ body }) => body)).size).toBe(1);
    expect(got[0]!.headers[signatureHeader]).toBeUndefined();
  });

  it("that is down does not keep the mails back", async () => {
    const server = await startMailServer();
    const smtp = createSmtp({ url: server.url, from: "Lectern <lectern@school.example>", perSecond: 5 });
    closers.push(
      () => server.close(),
      () => smtp.close(),
    );
    const channels = [webhookChannel({ url: "http://127.0.0.1:1/" }), mailChannel({ smtp, to: "ops@school.example" })];
    const left = await sendDue(unsent(channels.map(({ name }) => name)), { channels, now: at(300), log });
    expect(left).toMatchObject([{ channels: ["webhook"], tries: 1, nextTryAt: at(310) }]);
    expect(server.mails).toHaveLength(1);
    const mail = server.mails[0]!;
    expect(mail.recipients).toEqual(["ops@school.example"]);
    expect(mail.subject).toBe("Lectern: 1 new, 1 over, 1 going on: noWorker");
    expect(mail.text).toContain("→ Start a worker.");
    expect(mail.html).toContain("&lt;2&gt; dead");
    expect(mail.messageId).toBe("<alert-n1@school.example>");
    expect(mail.raw).toMatch(/^Auto-Submitted: auto-generated/m);
  });
});

it("a channel that is configured no more is not waited for", async () => {
  expect(await sendDue(unsent(["webhook"]), { channels: [], now: at(300), log })).toEqual([]);
});
