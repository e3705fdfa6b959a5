import { spawn } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import getPort from "get-port";
import type { Container } from "../../src/container.ts";
import { runActs } from "../../src/monitor/acts/runActs.ts";
import { emailQueue } from "../../src/queues/email.queue.ts";
import { eventually } from "../support/eventually.ts";
import { openSite, type Site } from "../support/processes.ts";
import { somePeople } from "../support/school.ts";
import { testEnvironment } from "../support/testApp.ts";

let site: Site;
let container: Container;
let env: Record<string, string>;
let ids: string[];
beforeAll(async () => {
  site = await openSite();
  container = site.container;
  env = testEnvironment(site.databaseUrl, { url: process.env.TEST_REDIS_URL!, prefix: container.queues.prefix });
  const { db, outbox } = container;
  const mail = { to: "ada@school.example", subject: "Exam day", text: "Come at nine." };
  const rows = Array.from({ length: 12 }, () => outbox.row(emailQueue, "sendEmail", mail));
  await db.outboxJob.createMany({ data: rows });
  ids = rows.map(({ id }) => id);
  await eventually("Redis is there", () => container.queueRedis.status === "ready");
  outbox.handOver();
  await eventually(
    "the mails are handed over",
    async () => !(await db.outboxJob.count({ where: { publishedAt: null } })),
  );
});
afterAll(() => site.close());

/** What the program does, in this process. */
async function command(line: string, change: Record<string, string> = {}) {
  const said = { out: "", error: "" };
  const call = { env: { ...env, ...change }, clock: () => new Date() };
  const print = { out: (text: string) => (said.out += text), error: (text: string) => (said.error += text) };
  const code = await runActs(line.split(" "), call, print);
  return { code, ...said };
}
const waiting = () => container.queues.use("email", (queue) => queue.getWaitingCount());
const audited = (action: string) => container.db.auditEntry.findMany({ where: { action } });

describe("an operator at the command line", () => {
  it("sees what a drain would do, does it in the name of an administrator, and undoes it", async () => {
    const [admin] = await somePeople(container, 1, "ADMIN");
    expect((await command("queue list")).out).toMatch(/^email +12 +0 /m);
    const dryRun = await command("queue drain email");
    expect(dryRun).toMatchObject({ code: 0, error: "" });
    expect(dryRun.out).toContain(`drainQueue: would be done to 12.\n  ${ids[0]}\n`);
    expect(dryRun.out).toContain("and 2 more\nThis was a dry run: nothing is changed. Add --yes to do it.");
    expect(await waiting()).toBe(12);
    expect(await audited("queue.drain")).toEqual([]);

    // The program itself, as it is called.
    const script = new URL("../../queueMonitor.ts", import.meta.url).pathname;
    const args = ["queue", "drain", "email", "--yes", "--json", "--as", admin!.email];
    const child = spawn(process.execPath, ["--import", "tsx", script, ...args], {
      env: { PATH: process.env.PATH, ...env },
      stdio: ["ignore", "pipe", "inherit"],
    });
    let out = "";
    child.stdout.on("data", (text) => (out += text));
    expect(await new Promise((resolve) => child.once("close", resolve))).toBe(0);
    const outcome = JSON.parse(out);
    expect(outcome).toMatchObject({ act: "drainQueue", dryRun: false, count: 12 });
    expect(await waiting()).toBe(0);
    expect(await audited("queue.drain")).toMatchObject([
      {
        id: outcome.auditId,
        actorId: admin!.id,
        before: { via: expect.stringMatching(/^cli:./) },
        after: { count: 12 },
      },
    ]);

    expect((await command(`jobs show email ${ids[3]}`)).out).toContain("state: DISCARDED");
    expect((await command(`outbox reenqueue ${ids[3]} ${ids[4]} --yes`)).out).toContain("done to 2.");
    await eventually("both wait again", async () => (await waiting()) === 2);
    const list = await command("jobs list email --state waiting --json");
    expect(
      JSON.parse(list.out)
        .jobs.map(({ id }: { id: string }) => id)
        .sort(),
    ).toEqual(ids.slice(3, 5));
    expect(list.out).not.toContain("ada@school.example");
    expect(await audited("outbox.reenqueue")).toMatchObject([{ actorId: null, after: { count: 2 } }]);
  });

  it("looks through dead letters and settles some", async () => {
    for (const [at, why] of ["550 <ada@school.example> is unknown", "connect ETIMEDOUT"].entries()) {
      const job = (await container.queues.use("email", (queue) => queue.getJob(ids[3 + at]!)))!;
      await container.deadLetters.add("email", Object.assign(job, { failedReason: why }));
    }
    const list = await command("dead list --queue email");
    expect(list.out).toContain("550 <[redacted]> is unknown");
    expect(list.out).toContain("2 of 2");
    expect((await command(`dead show email-${ids[4]}`)).out).toContain("error: connect ETIMEDOUT");
    expect((await command("dead retry --error etimedout")).out).toContain(`would be done to 1.\n  email-${ids[4]}`);
    expect((await command("dead discard --error etimedout --yes")).out).toContain("done to 1.");
    expect((await command("dead discard --error etimedout --yes")).out).toContain("there is nothing to do");
    expect((await command("dead list --queue email")).out).toContain("1 of 1");
  });

  it("is told by words and exit code what went wrong", async () => {
    const [student] = await somePeople(container, 1);
    expect(await command("queue drain nowhere")).toMatchObject({ code: 64, error: expect.stringContaining("queue:") });
    expect(await command("queue drain")).toMatchObject({
      code: 64,
      error: expect.stringContaining("queue drain QUEUE"),
    });
    expect(await command("queue fill email")).toMatchObject({ code: 64, error: expect.stringContaining("dead retry") });
    expect(await command("queue drain email --reason x")).toMatchObject({ code: 64 });
    expect(await command("queue pause email --yes")).toMatchObject({
      code: 64,
      error: expect.stringContaining("reason"),
    });
    expect(await command("dead discard --yes")).toMatchObject({
      code: 64,
      error: expect.stringContaining("condition"),
    });
    expect(await command("dead show nothing")).toMatchObject({ code: 1, error: "There is no such dead letter.\n" });
    expect(await command(`queue list --as ${student!.email}`)).toMatchObject({ code: 1 });
    expect(await command("queue --help")).toMatchObject({ code: 0, out: expect.stringContaining("jobs promote") });
    const nobody = `127.0.0.1:${await getPort()}`;
    const [noRedis, noPostgres] = await Promise.all([
      command("queue list", { REDIS_URL: `redis://${nobody}` }),
      command("outbox reenqueue --queue email", { DATABASE_URL: `postgresql://x@${nobody}/x` }),
    ]);
    expect(noRedis).toMatchObject({ code: 2, error: expect.stringContaining("Redis is away") });
    expect(noPostgres).toMatchObject({ code: 2, error: expect.stringContaining("PostgreSQL is away") });
  });
});
