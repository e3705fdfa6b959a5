import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { type Browser, chromium, type Page } from "playwright-core";
import { aClip, aClipFolder, aVideoWithFile } from "../support/clips.ts";
import { aLesson, aSection } from "../support/course.ts";
import { eventually } from "../support/eventually.ts";
import { type PlaybackLinks, playbackFor } from "../support/playback.ts";
import { aSchool, type School } from "../support/school.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";

/** Generous: ffmpeg and a browser run here, and the machine may be busy. */
jest.setTimeout(240_000);
const WITHIN_MS = 120_000;

const CHROMIUM = "/usr/bin/chromium";
const ARTEFACTS = path.resolve(import.meta.dirname, "../artefacts");
const HLS_JS = path.resolve(import.meta.dirname, "../../node_modules/hls.js/dist/hls.min.js");
const PLAYER = path.resolve(import.meta.dirname, "../support/player.js");
const SECONDS = 5;

const PAGE = `<!doctype html><title>Player</title><body style="margin:0">
<video muted crossorigin="anonymous" width="854" height="480">
  <track id="captions" kind="captions" default><track id="sprites" kind="metadata" default>
</video><script src="/hls.js"></script><script src="/player.js"></script>`;

/** A front end at an origin of its own, as those of schools are. */
async function aFrontEnd(): Promise<{ server: Server; origin: string }> {
  const scripts: Record<string, Buffer> = { "/hls.js": await readFile(HLS_JS), "/player.js": await readFile(PLAYER) };
  const server = createServer(({ url }, reply) => {
    const script = scripts[url!];
    reply.setHeader("content-type", script ? "text/javascript" : "text/html").end(script ?? PAGE);
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  return { server, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

const isThere = existsSync(CHROMIUM);
const inBrowser = isThere ? describe : describe.skip;

inBrowser(`a video in a browser${isThere ? "" : ` (skipped: no ${CHROMIUM}; apt-get install chromium)`}`, () => {
  let app: TestApp;
  let browser: Browser;
  let frontEnd: Awaited<ReturnType<typeof aFrontEnd>>;
  let stored: string;
  let clips: Awaited<ReturnType<typeof aClipFolder>>;
  let school: School;
  let links: PlaybackLinks;
  beforeAll(async () => {
    stored = await mkdtemp(path.join(os.tmpdir(), "lectern-stored-"));
    clips = await aClipFolder();
    frontEnd = await aFrontEnd();
    app = await startTestApp({ worker: true, env: { STORAGE_DIR: stored, CORS_ORIGINS: frontEnd.origin } });
    school = await aSchool(app.container);
    const { services, db } = app.container;
    const teacher = school.teacher.actor;
    const clip = await aClip(clips.folder, "lecture.mp4", { size: "854x480", seconds: SECONDS });
    const videoId = await aVideoWithFile(app, school, clip);
    await services.processing.retry(teacher, videoId);
    await services.captions.set(teacher, {
      videoId,
      language: "de",
      label: "Deutsch",
      format: "SRT",
      content:
        "1\n00:00:00,500 --> 00:00:02,000\nHallo & <b>willkommen</b>.\n\n2\n00:00:02,500 --> 00:00:04,500\nEnde.",
    });
    await aLesson(app.container, school, await aSection(app.container, school), { videoId });
    await eventually(
      "the video is READY",
      async () => (await db.video.findUniqueOrThrow({ where: { id: videoId } })).status === "READY",
      WITHIN_MS,
    );
    links = await eventually("the student has links", () => playbackFor(app, school.students[0]!, videoId));
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
  });
  afterAll(async () => {
    await browser?.close();
    await app?.close();
    frontEnd?.server.close();
    await clips?.remove();
    if (stored) await rm(stored, { recursive: true, force: true });
  });

  /** The page with the player at work on the signed link. */
  async function aPlayer(): Promise<Page> {
    const page = await browser.newPage({ viewport: { width: 854, height: 480 } });
    await page.goto(frontEnd.origin);
    await page.evaluate(`player.open(${JSON.stringify(links)})`);
    return page;
  }

  it("plays from the signed link to its end, with captions and pictures for the seek bar", async () => {
    const page = await aPlayer();
    await page.evaluate("player.playToEnd()");
    const shown = await page.evaluate<{ duration: number; frames: number }>("player.shown()");
    expect(shown).toMatchObject({
      failures: [],
      corrupted: 0,
      levels: ["640x360", "854x480"],
      captions: [
        [0.5, "Hallo &amp; <b>willkommen</b>."],
        [2.5, "Ende."],
      ],
      sprite: expect.stringMatching(/^sprite_0\.jpg#xywh=0,0,160,90$/),
    });
    expect(shown.duration).toBeCloseTo(SECONDS, 0);
    expect(shown.frames).toBeGreaterThan((SECONDS * 25) / 2);

    await page.evaluate("player.seek(1)");
    await mkdir(ARTEFACTS, { recursive: true });
    await page.screenshot({ path: path.join(ARTEFACTS, "playback.png") });
    expect(await page.evaluate("player.colours()")).toBeGreaterThan(50); // the test picture, not a black one
    await page.close();
  });

  it("plays each size from beginning to end", async () => {
    const page = await aPlayer();
    expect(await page.evaluate("player.playEachLevel()")).toEqual([360, 480]);
    await page.close();
  });

  it("is refused to the player once the student is withdrawn", async () => {
    const { services } = app.container;
    await services.courses.withdraw(school.teacher.actor, school.courseId, school.students[0]!.id);
    const page = await aPlayer();
    const failure = await eventually("the player fails", () => page.evaluate("player.failures[0]"));
    expect(failure).toEqual({ details: "manifestLoadError", status: 404 });
    await page.close();
  });
});
