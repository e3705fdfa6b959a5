import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { startVitalSigns, type VitalSigns } from "../../../src/monitor/vitalSigns.ts";
import { allQueues } from "../../../src/queues/allQueues.ts";
import type { DeadLetter } from "../../../src/queues/deadLetters.ts";
import { minuteKey } from "../../../src/queues/jobTimes.ts";
import { bucketOf } from "../../../src/queues/timeBuckets.ts";
import { createLogger } from "../../../src/utils/logger.ts";
import { anAccount, password } from "../../support/accounts.ts";
import { eventually } from "../../support/eventually.ts";
import { startTestApp, type TestApp } from "../../support/testApp.ts";
import { aDeadMail } from "./deadLetter.ts";
import { startMonitor } from "./monitorSite.ts";

/** Generous: a browser runs here, and the machine may be busy. */
jest.setTimeout(180_000);
const WITHIN_MS = 60_000;

const CHROMIUM = "/usr/bin/chromium";
const ARTEFACTS = path.resolve(import.meta.dirname, "../../artefacts");
const DESKTOP = { width: 1280, height: 900 };
const PHONE = { width: 390, height: 844 };
const SECRET = "whoever.it.is@private.example";

const isThere = existsSync(CHROMIUM);
const inBrowser = isThere ? describe : describe.skip;

inBrowser(`the monitor in a browser${isThere ? "" : ` (skipped: no ${CHROMIUM}; apt-get install chromium)`}`, () => {
  let app: TestApp;
  let working: TestApp;
  let monitor: Awaited<ReturnType<typeof startMonitor>>;
  let vitalSigns: VitalSigns[];
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let letter: DeadLetter;
  const foreignHosts: string[] = [];
  const complaints: string[] = [];

  beforeAll(async () => {
    app = await startTestApp();
    letter = await aDeadMail(app, { to: SECRET, error: `550 no mailbox ${SECRET}` });
    await anHourOfWork(app);
    working = await startTestApp({ worker: true, beside: app });
    vitalSigns = (["server", "worker"] as const).map((program) =>
      startVitalSigns({
        program,
        id: program,
        redis: app.container.queueRedis,
        prefix: app.config.REDIS_PREFIX,
        pool: app.container.poolFigures,
        cache: () => ({ hits: 930, misses: 70 }),
        clock: app.container.clock,
        log: createLogger({ level: "silent", pretty: false, program: "test" }),
      }),
    );
    monitor = await startMonitor(app);
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
    context = await browser.newContext({ viewport: DESKTOP });
    context.setDefaultTimeout(WITHIN_MS);
    page = await context.newPage();
    page.on("request", (request) => {
      const { protocol, host } = new URL(request.url());
      if (protocol !== "data:" && host !== new URL(monitor.url).host) foreignHosts.push(request.url());
    });
    page.on("pageerror", (error) => complaints.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error") complaints.push(message.text());
    });
  });
  afterAll(async () => {
    await browser?.close();
    for (const signs of vitalSigns ?? []) await signs.stop();
    await monitor?.close();
    await working?.close();
    await app?.close();
  });

  async function keep(name: string): Promise<void> {
    await mkdir(ARTEFACTS, { recursive: true });
    await page.screenshot({ path: path.join(ARTEFACTS, `monitor-${name}.png`), fullPage: true });
  }
  /** How much wider the page is than the window. */
  const overhang = () =>
    page.evaluate<number>("document.documentElement.scrollWidth - document.documentElement.clientWidth");

  it("asks who is there, and then shows everything at a glance", async () => {
    const { id } = await anAccount(app, { role: "ADMIN" });
    const { email } = await app.container.db.user.update({ where: { id }, data: { email: "ada@school.example" } });
    await page.goto(monitor.url);
    await page.getByLabel("E-mail address").fill(email);
    await page.getByLabel("Password").fill(password);
    await keep("log-in");
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByRole("heading", { name: "Overview" }).waitFor();
    for (const { name } of allQueues) await page.getByRole("link", { name, exact: true }).waitFor();
    expect(await page.locator("path.line").count()).toBeGreaterThan(allQueues.length);
    await page.getByText("93.0 %").first().waitFor();
    await keep("overview-desktop");
    expect(await overhang()).toBe(0);
  });

  it("brings itself up to date without being loaded again", async () => {
    await page.evaluate("window.isTheSame = true");
    const before = await page.locator(".taken span").textContent();
    const isFresh = async () => (await page.locator(".taken span").textContent()) !== before;
    await eventually("a later time stands there", isFresh, WITHIN_MS);
    expect(await page.evaluate("window.isTheSame")).toBe(true);
  });

  it("fits a phone, every page of it", async () => {
    await page.setViewportSize(PHONE);
    const paths = [
      "/",
      "/queues/exam",
      "/dead-letters",
      `/dead-letters/${letter.id}`,
      "/acts",
      "/acts/retryDeadLetters",
    ];
    for (const where of paths) {
      await page.goto(monitor.url + where);
      await page.locator("h1").first().waitFor();
      await keep(`${where.split("/")[1] || "overview"}${where.split("/").length > 2 ? "-one" : ""}-phone`);
      expect([where, await overhang()]).toEqual([where, 0]);
    }
    await page.setViewportSize(DESKTOP);
  });

  it("previews an act, does it when that is confirmed, and shows what came of it", async () => {
    await page.goto(`${monitor.url}/queues/video`);
    await page.getByRole("link", { name: "Pause queue…" }).click();
    await page.getByLabel("Reason").fill("the new encoder");
    await page.getByRole("button", { name: "Preview" }).click();
    await page.getByText("Nothing is done yet").waitFor();
    await keep("act-preview");
    await page.getByRole("button", { name: "Pause queue, 1" }).click();
    await page.getByText("Done to 1").waitFor();
    await page.getByRole("link", { name: "Overview" }).first().click();
    await page.getByText("video: paused").first().waitFor();
  });

  it("opens Bull Board, where jobs are shown without what is private and without buttons", async () => {
    await page.goto(`${monitor.url}/board/`);
    await page.getByText("transcode").first().waitFor();
    await keep("board");
    await page.goto(`${monitor.url}/board/queue/email/${letter.jobId}`);
    await page.getByText("[redacted]").first().waitFor();
    await keep("board-job");
    expect(await page.content()).not.toContain(SECRET);
    expect(await page.getByRole("link", { name: "Act on it" }).first().getAttribute("href")).toBe(
      `/jobs/email/${letter.jobId}`,
    );
  });

  it("asked nothing of any other host, and broke no rule of its own", async () => {
    expect(foreignHosts).toEqual([]);
    expect(complaints).toEqual([]);
  });
});

/** What the workers of a busy hour have recorded. */
async function anHourOfWork({ container, config }: TestApp): Promise<void> {
  const last = Math.floor(container.clock().getTime() / 60_000);
  const batch = container.queueRedis.pipeline();
  allQueues.forEach(({ name }, index) => {
    for (let ago = 0; ago < 61; ago++) {
      const wave = 1 + Math.sin((ago + 11 * index) / 6);
      const completed = Math.round((120 / (index + 1)) * wave);
      const wait = bucketOf(20 + 400 * wave * (index === 2 && ago < 15 ? 9 : 1));
      const failed = index === 2 && ago < 15 ? 15 - ago : 0;
      const key = minuteKey(config.REDIS_PREFIX, name, last - ago);
      batch.hset(key, {
        completed,
        failed,
        [`w${wait}`]: completed || 1,
        [`r${bucketOf(30 * (index + 1))}`]: completed || 1,
      });
      batch.expire(key, 86_400);
    }
  });
  await batch.exec();
}
