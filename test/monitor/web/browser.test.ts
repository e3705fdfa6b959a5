import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import type { Container } from "../../../src/container.ts";
import { allQueues } from "../../../src/queues/allQueues.ts";
import type { DeadLetter } from "../../../src/queues/deadLetters.ts";
import { minuteKey } from "../../../src/queues/jobTimes.ts";
import { bucketOf } from "../../../src/queues/timeBuckets.ts";
import { anAccount, password } from "../../support/accounts.ts";
import { eventually } from "../../support/eventually.ts";
import { openSite, type Program, type Site } from "../../support/processes.ts";
import { aDeadMail } from "./deadLetter.ts";

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
  let site: Site;
  let monitor: Program;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let letter: DeadLetter;
  const foreignHosts: string[] = [];
  const complaints: string[] = [];

  beforeAll(async () => {
    site = await openSite();
    const error = `550 no mailbox ${SECRET}`;
    letter = await aDeadMail(site.container, { redisUrl: site.env.REDIS_URL!, to: SECRET, error });
    await anHourOfWork(site.container);
    [monitor] = await Promise.all([site.start("monitor"), site.start("worker")]);
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
    await site?.close();
  });

  async function keep(name: string): Promise<void> {
    await mkdir(ARTEFACTS, { recursive: true });
    await page.screenshot({ path: path.join(ARTEFACTS, `monitor-${name}.png`), fullPage: true });
  }
  /** How much wider the page is than the window. */
  const overhang = () =>
    page.evaluate<number>("document.documentElement.scrollWidth - document.documentElement.clientWidth");

  it("asks who is there, and then shows everything at a glance", async () => {
    const { id } = await anAccount(site, { role: "ADMIN" });
    const { email } = await site.container.db.user.update({ where: { id }, data: { email: "ada@school.example" } });
    await page.goto(monitor.url);
    await page.getByLabel("E-mail address").fill(email);
    await page.getByLabel("Password").fill(password);
    await keep("log-in");
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByRole("heading", { name: "Overview" }).waitFor();
    for (const { name } of allQueues) await page.getByRole("link", { name, exact: true }).waitFor();
    expect(await page.locator("path.line").count()).toBeGreaterThan(allQueues.length);
    for (const program of ["monitor", "worker"]) await page.getByRole("cell", { name: program, exact: true }).waitFor();
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
    await page.getByText("Loading").waitFor({ state: "hidden" });
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

  it("ends when it is told to", async () => {
    await context.close();
    expect(await monitor.terminate()).toBe("exit code 0");
  });
});

/** What the workers of a busy hour have recorded. */
async function anHourOfWork(container: Container): Promise<void> {
  const last = Math.floor(container.clock().getTime() / 60_000);
  const batch = container.queueRedis.pipeline();
  allQueues.forEach(({ name }, index) => {
    for (let ago = 0; ago < 61; ago++) {
      const wave = 1 + Math.sin((ago + 11 * index) / 6);
      const completed = Math.round((120 / (index + 1)) * wave);
      const wait = bucketOf(20 + 400 * wave * (index === 2 && ago < 15 ? 9 : 1));
      const failed = index === 2 && ago < 15 ? 15 - ago : 0;
      const key = minuteKey(container.queues.prefix, name, last - ago);
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
