import { randomBytes } from "node:crypto";
import { mkdtemp, readdir, readlink, rm, truncate } from "node:fs/promises";
import { type IncomingMessage, request } from "node:http";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { uuidv7 } from "uuidv7";
import { STORAGE_KEYS } from "../../src/storage/storageKeys.ts";
import { eventually } from "../support/eventually.ts";
import { aKeptLog } from "../support/logLines.ts";
import { aScreening, MADE_FILES, type PlaybackLinks, playbackFor, type Screening } from "../support/playback.ts";
import { somePeople } from "../support/school.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";

const FRONT_END = "https://school.example";
const HOUR_MS = 3_600_000;

const kept = aKeptLog();
let app: TestApp;
let stored: string;
let screening: Screening;
let links: PlaybackLinks;
/** How far the server's clock is ahead. */
let aheadMs = 0;
beforeAll(async () => {
  stored = await mkdtemp(path.join(os.tmpdir(), "lectern-stored-"));
  app = await startTestApp({
    env: { STORAGE_DIR: stored, CORS_ORIGINS: FRONT_END, ACCESS_TOKEN_SECONDS: "86400" },
    log: kept.log,
    ambient: { clock: () => new Date(Date.now() + aheadMs), newId: uuidv7 },
  });
  screening = await aScreening(app.container);
  links = await playbackFor(app, screening.student, screening.videoId);
});
afterAll(async () => {
  await app?.close();
  if (stored) await rm(stored, { recursive: true, force: true });
});

/** The address of another file behind the same token. */
const beside = (url: string, name: string) => url.replace(/(\/media\/[^/]+\/).*$/, `$1${name}`);
const get = (url: string, headers: Record<string, string> = {}, method = "GET") => fetch(url, { headers, method });
const statusOf = async (url: string) => (await get(url)).status;
async function refusalOf(url: string) {
  const answer = await get(url);
  const { errors } = (await answer.json()) as { errors: { extensions: { code: string; reason?: string } }[] };
  return [answer.status, errors[0]!.extensions.reason ?? errors[0]!.extensions.code];
}
/** Sends a path as it stands: `fetch` would tidy it. */
const getPath = (pathOnServer: string) =>
  new Promise<number>((resolve, reject) => {
    const { hostname, port } = new URL(app.url);
    request({ hostname, port, path: pathOnServer }, (answer) => resolve(answer.resume().statusCode!))
      .on("error", reject)
      .end();
  });

describe("the links of a video", () => {
  it("are given to who may see it, once it is READY", async () => {
    const { data } = await app.ask(
      "query ($id: ID!) { video(id: $id) { playback { hlsUrl posterUrl spriteUrl expiresAt captions { url } } } }",
      { id: screening.videoId },
      screening.student.token,
    );
    const { hlsUrl, posterUrl, spriteUrl, captions } = data.video.playback;
    expect(hlsUrl).toMatch(/^https:\/\/api\.school\.example\/media\/[\w-]{96}\/master\.m3u8$/);
    expect(posterUrl).toBe(beside(hlsUrl, "poster.jpg"));
    expect(spriteUrl).toBe(beside(hlsUrl, "sprites.vtt"));
    expect(captions).toEqual([]);

    const waiting = await app.container.services.videos.create(screening.school.teacher.actor, {
      courseId: screening.school.courseId,
      title: "Without a file",
    });
    expect(await playbackFor(app, screening.school.teacher, waiting.id)).toBeNull();
  });

  it("are of the viewer who asked, and the same for a while, so that a browser finds again what it has loaded", async () => {
    const { student, school, videoId } = await aScreening(app.container);
    const one = await playbackFor(app, student, videoId);
    const step = (app.config.PLAYBACK_SECONDS / 8) * 1_000;
    const sinceStep = (Date.now() + aheadMs) % step;
    if (sinceStep < step - 60_000) expect(await playbackFor(app, student, videoId)).toEqual(one);
    expect((await playbackFor(app, school.teacher, videoId)).hlsUrl).not.toBe(one.hlsUrl);
  });

  it("last as long as is configured, or an eighth less", () => {
    const lifeMs = Date.parse(links.expiresAt) - Date.now() - aheadMs;
    expect(lifeMs).toBeLessThanOrEqual(4 * HOUR_MS);
    expect(lifeMs).toBeGreaterThan(3.4 * HOUR_MS);
  });
});

describe("a file behind a link", () => {
  it.each([
    ["master.m3u8", "application/vnd.apple.mpegurl"],
    ["240p/index.m3u8", "application/vnd.apple.mpegurl"],
    ["240p/init.mp4", "video/mp4"],
    ["240p/seg_0001.m4s", "video/iso.segment"],
    ["poster.jpg", "image/jpeg"],
    ["sprites.vtt", "text/vtt; charset=utf-8"],
    ["sprite_0.jpg", "image/jpeg"],
  ])("%s comes as %s, for this browser's cache alone", async (name, contentType) => {
    const answer = await get(beside(links.hlsUrl, name));
    expect(answer.status).toBe(200);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      "content-type": contentType,
      "content-length": String(MADE_FILES[name]!.length),
      "accept-ranges": "bytes",
      "x-content-type-options": "nosniff",
      "cache-control": expect.stringMatching(/^private, max-age=\d+, immutable$/),
    });
    const maxAge = Number(/max-age=(\d+)/.exec(answer.headers.get("cache-control")!)![1]);
    expect(Date.now() + aheadMs + maxAge * 1_000).toBeLessThanOrEqual(Date.parse(links.expiresAt) + 1_000);
    expect(await answer.text()).toBe(MADE_FILES[name]);
  });

  it("is found from its playlist by relative addresses alone, which carry the token", async () => {
    const master = await (await get(links.hlsUrl)).text();
    const playlist = new URL(master.match(/^[^#].*$/m)![0], links.hlsUrl);
    const segment = new URL((await (await get(playlist.href)).text()).match(/^[^#].*$/m)![0], playlist);
    expect(await (await get(segment.href)).text()).toBe("0123456789");
  });

  const segment = () => beside(links.hlsUrl, "240p/seg_0001.m4s");

  it.each([
    ["bytes=2-4", 206, "bytes 2-4/10", "234"],
    ["bytes=7-", 206, "bytes 7-9/10", "789"],
    ["bytes=-2", 206, "bytes 8-9/10", "89"],
    ["bytes=8-100", 206, "bytes 8-9/10", "89"],
    ["bytes=10-", 416, "bytes */10", ""],
    ["bytes=0-1,4-5", 200, null, "0123456789"],
    ["pages=1-2", 200, null, "0123456789"],
  ])("is sent in part: %s", async (range, status, contentRange, body) => {
    const answer = await get(segment(), { range });
    expect([answer.status, answer.headers.get("content-range"), await answer.text()]).toEqual([
      status,
      contentRange,
      body,
    ]);
    expect(answer.headers.get("content-length")).toBe(String(body.length));
  });

  it("is described without being sent", async () => {
    const answer = await get(segment(), { range: "bytes=2-4" }, "HEAD");
    expect([answer.status, answer.headers.get("content-length"), await answer.text()]).toEqual([200, "10", ""]);
    expect(answer.headers.get("content-type")).toBe("video/iso.segment");
    expect((await get(beside(links.hlsUrl, "nothing.jpg"), {}, "HEAD")).status).toBe(404);
  });

  it("is not sent again to who has it", async () => {
    const etag = (await get(segment())).headers.get("etag")!;
    for (const tag of [etag, `W/${etag}`, `"other", ${etag}`, "*"]) {
      const answer = await get(segment(), { "if-none-match": tag });
      expect([answer.status, answer.headers.get("etag"), await answer.text()]).toEqual([304, etag, ""]);
    }
    expect((await get(segment(), { "if-none-match": '"other"' })).status).toBe(200);
    expect((await get(segment(), { "if-range": etag, range: "bytes=1-1" })).status).toBe(206);
    expect((await get(segment(), { "if-range": '"other"', range: "bytes=1-1" })).status).toBe(200);
  });

  it("may be read by pages of the front end and of no other site, also when it is refused", async () => {
    for (const url of [segment(), beside(links.hlsUrl, "nothing.jpg")]) {
      const asked = await get(url, { origin: FRONT_END });
      expect(asked.headers.get("access-control-allow-origin")).toBe(FRONT_END);
      expect(asked.headers.get("vary")).toMatch(/origin/i);
      const strange = await get(url, { origin: "https://other.example" });
      expect(strange.headers.get("access-control-allow-origin")).toBeNull();
    }
    const preflight = await get(
      segment(),
      { origin: FRONT_END, "access-control-request-method": "GET", "access-control-request-headers": "range" },
      "OPTIONS",
    );
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("access-control-allow-headers")).toBe("range");
  });

  it("leaves no address in the log", async () => {
    await get(segment());
    await get(beside(links.hlsUrl, "nothing.jpg"));
    const token = new URL(links.hlsUrl).pathname.split("/")[2]!;
    expect(kept.lines.some(({ msg }) => msg === "media")).toBe(true);
    expect(kept.text()).not.toContain(token);
  });
});

describe("what a link does not lead to", () => {
  it.each([
    ["nothing.jpg"],
    [""],
    ["240p"],
    ["240p/"],
    ["../2/poster.jpg"],
    ["..%2f2/poster.jpg"],
    ["%2e%2e/2/poster.jpg"],
    ["%2e%2e%2f%2e%2e%2fsource/test"],
    ["240p/../../../source/test"],
    ["240p/..%5c..%5csource%5ctest"],
    ["/etc/passwd"],
    ["%2fetc%2fpasswd"],
    ["poster.jpg%00.m3u8"],
    [".hidden"],
    ["captions/../poster.jpg"],
    ["captions/de.vtt"],
    ["%E0%A4%A"],
  ])("is found by %j", async (name) => {
    const { videoId } = screening;
    await app.container.storage.put(STORAGE_KEYS.SOURCE(videoId, "test"), Buffer.from("source"));
    await app.container.storage.put(`${STORAGE_KEYS.RUN(videoId, 2)}poster.jpg`, Buffer.from("other run"));
    const { pathname } = new URL(beside(links.hlsUrl, ""));
    expect([400, 404]).toContain(await getPath(pathname + name));
  });
});

describe("a link", () => {
  it("is refused when any letter of it is another one", async () => {
    const token = new URL(links.hlsUrl).pathname.split("/")[2]!;
    for (let at = 0; at < token.length; at += 5) {
      const other = token[at] === "A" ? "B" : "A";
      const forged = links.hlsUrl.replace(token, token.slice(0, at) + other + token.slice(at + 1));
      expect(await refusalOf(forged)).toEqual([403, "LINK_NOT_GOOD"]);
    }
    for (const short of ["x", token.slice(1), `${token}A`, "%00"])
      expect([403, 404]).toContain(await statusOf(links.hlsUrl.replace(token, short)));
    const answer = await get(links.hlsUrl.replace(token, "x"));
    expect(answer.headers.get("cache-control")).toBe("no-store");
  });

  it("expires", async () => {
    const { student, videoId } = await aScreening(app.container);
    const { hlsUrl, expiresAt } = await playbackFor(app, student, videoId);
    try {
      aheadMs = Date.parse(expiresAt) - Date.now() - 30_000;
      expect(await statusOf(hlsUrl)).toBe(200);
      aheadMs += 31_000;
      expect(await refusalOf(hlsUrl)).toEqual([403, "LINK_NOT_GOOD"]);
      expect(await refusalOf(beside(hlsUrl, "240p/seg_0001.m4s"))).toEqual([403, "LINK_NOT_GOOD"]);
    } finally {
      aheadMs = 0;
    }
  });

  it("lives on with a key that signs no more, and ends with it", async () => {
    const [first, second] = [randomBytes(32).toString("base64"), randomBytes(32).toString("base64")];
    const withKeys = (...PLAYBACK_KEYS: string[]) =>
      startTestApp({ beside: { config: { ...app.config, PLAYBACK_KEYS } } });
    const [before, during, after] = await Promise.all([withKeys(first), withKeys(second, first), withKeys(second)]);
    const ask = (server: TestApp) => playbackFor(server, screening.student, screening.videoId);
    const at = (server: TestApp, { hlsUrl }: PlaybackLinks) => statusOf(server.url + new URL(hlsUrl).pathname);
    try {
      const old = await ask(before);
      expect(await Promise.all([before, during, after, app].map((server) => at(server, old)))).toEqual([
        200, 200, 403, 403,
      ]);
      const young = await ask(during);
      expect(await Promise.all([before, during, after, app].map((server) => at(server, young)))).toEqual([
        403, 200, 200, 403,
      ]);
    } finally {
      await Promise.all([before, during, after].map((server) => server.close()));
    }
  });

  it("ends with the viewer's place in the course, at the next segment", async () => {
    const { school, student, videoId } = await aScreening(app.container);
    const url = beside((await playbackFor(app, student, videoId)).hlsUrl, "240p/seg_0001.m4s");
    expect(await statusOf(url)).toBe(200);
    await app.ask(
      "mutation ($course: ID!, $user: ID!) { withdrawStudent(courseId: $course, userId: $user) { id } }",
      { course: school.courseId, user: student.id },
      school.teacher.token,
    );
    expect(await refusalOf(url)).toEqual([404, "NOT_FOUND"]);
  });

  it("ends with the lesson that shows the video, for students", async () => {
    const { school, student, videoId, lessonId } = await aScreening(app.container);
    const [theirs, ours] = await Promise.all([student, school.teacher].map((who) => playbackFor(app, who, videoId)));
    await app.container.services.lessons.update(school.teacher.actor, lessonId, { published: false });
    expect(await statusOf(theirs!.hlsUrl)).toBe(404);
    expect(await statusOf(ours!.hlsUrl)).toBe(200);
  });

  it("ends with the viewer's account, and with the role that let them in", async () => {
    const { student, videoId } = await aScreening(app.container);
    const [admin, other] = await somePeople(app.container, 2, "ADMIN");
    const [theirs, others] = await Promise.all([student, other!].map((who) => playbackFor(app, who, videoId)));
    expect(await statusOf(others!.hlsUrl)).toBe(200);
    await app.container.services.people.disable(admin!.actor, student.id);
    await app.container.services.people.updateRole(admin!.actor, other!.id, "STUDENT");
    expect(await refusalOf(theirs!.hlsUrl)).toEqual([403, "LINK_NOT_GOOD"]);
    expect(await statusOf(others!.hlsUrl)).toBe(404);
  });

  it("ends with the video", async () => {
    const { school, videoId, lessonId } = await aScreening(app.container);
    const { hlsUrl } = await playbackFor(app, school.teacher, videoId);
    await app.container.services.lessons.remove(school.teacher.actor, lessonId);
    await app.container.services.videos.remove(school.teacher.actor, videoId);
    expect(await statusOf(hlsUrl)).toBe(404);
  });
});

describe("a large file", () => {
  const BYTES = 48 * 1024 * 1024;
  const READERS = 12;

  async function aLargeFile(): Promise<string> {
    const key = `${STORAGE_KEYS.RUN(screening.videoId, 1)}240p/seg_0002.m4s`;
    await app.container.storage.put(key, Buffer.from("0"));
    await truncate(path.join(stored, key), BYTES);
    return beside(links.hlsUrl, `240p/seg_0002.m4s`);
  }
  /** An answer whose body nobody reads yet. */
  const unread = (url: string) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      request(url, { agent: false }, resolve).on("error", reject).end();
    });
  async function lengthOf(body: AsyncIterable<Uint8Array>): Promise<number> {
    let length = 0;
    for await (const chunk of body) length += chunk.length;
    return length;
  }
  const filesOpen = async () => {
    const open = await readdir("/proc/self/fd");
    const targets = await Promise.all(open.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => "")));
    return targets.filter((target) => target.startsWith(stored)).length;
  };

  it("takes no more memory for readers that are slow, and each gets all of it", async () => {
    const url = await aLargeFile();
    const before = process.memoryUsage().external;
    const slow = await Promise.all(Array.from({ length: READERS }, () => unread(url)));
    // Somebody quick reads all of it meanwhile: the server had the time to read ahead for the others.
    expect(await lengthOf((await get(url)).body!)).toBe(BYTES);
    expect(process.memoryUsage().external - before).toBeLessThan(BYTES * 2);
    expect(await Promise.all(slow.map(lengthOf))).toEqual(slow.map(() => BYTES));
  });

  it("is closed when the reader goes away", async () => {
    const url = await aLargeFile();
    const gone = await Promise.all(Array.from({ length: READERS }, () => unread(url)));
    expect(await filesOpen()).toBeGreaterThan(0);
    for (const answer of gone) answer.destroy();
    await eventually("no file is open", async () => (await filesOpen()) === 0);
    expect(await statusOf(links.hlsUrl)).toBe(200);
  });
});

describe("captions", () => {
  const SET =
    "mutation ($input: CaptionInput!) { setCaptions(input: $input) { playback { captions { language label url } } } }";
  const REMOVE =
    "mutation ($id: ID!, $language: String!) { removeCaptions(videoId: $id, language: $language) { playback { captions { language } } } }";
  const VTT = "WEBVTT\n\n00:00.000 --> 00:02.000\nHello.\n";
  const captionInput = (videoId: string, changes: object = {}) => ({
    input: { videoId, language: "en", label: "English", content: VTT, ...changes },
  });

  it("are kept in many languages and served as WebVTT to who may see the video", async () => {
    const { school, student, videoId } = await aScreening(app.container);
    const { token } = school.teacher;
    const srt = "1\n00:00:00,000 --> 00:00:02,000\nGrüß Gott & <b>hallo</b>.\n";
    await app.ask(SET, captionInput(videoId), token);
    const german = { language: "de-at", label: "Deutsch (Österreich)", format: "SRT", content: srt };
    const { data } = await app.ask(SET, captionInput(videoId, german), token);
    expect(data.setCaptions.playback.captions.map(({ language }: { language: string }) => language)).toEqual([
      "de-AT",
      "en",
    ]);

    const { captions } = await playbackFor(app, student, videoId);
    expect(captions).toMatchObject([
      { language: "de-AT", label: "Deutsch (Österreich)" },
      { language: "en", label: "English" },
    ]);
    const answer = await get(captions[0]!.url);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      "content-type": "text/vtt; charset=utf-8",
      "cache-control": "private, no-cache",
      "x-content-type-options": "nosniff",
    });
    expect(await answer.text()).toBe("WEBVTT\n\n00:00:00.000 --> 00:00:02.000\nGrüß Gott &amp; <b>hallo</b>.\n");
    const part = await get(captions[1]!.url, { range: "bytes=0-5" });
    expect([part.status, await part.text()]).toEqual([206, "WEBVTT"]);
  });

  it("are replaced by captions in the same language, and removed", async () => {
    const { school, student, videoId } = await aScreening(app.container);
    const { token } = school.teacher;
    await app.ask(SET, captionInput(videoId), token);
    const { url } = (await playbackFor(app, student, videoId)).captions[0]!;
    const etag = (await get(url)).headers.get("etag")!;
    expect((await get(url, { "if-none-match": etag })).status).toBe(304);

    await app.ask(SET, captionInput(videoId, { language: "EN", content: VTT.replace("Hello", "Bye") }), token);
    const changed = await get(url, { "if-none-match": etag });
    expect([changed.status, await changed.text()]).toEqual([200, VTT.replace("Hello", "Bye")]);

    for (const _time of ["once", "again"]) {
      const { data } = await app.ask(REMOVE, { id: videoId, language: "en" }, token);
      expect(data.removeCaptions.playback.captions).toEqual([]);
    }
    expect(await statusOf(url)).toBe(404);
  });

  it.each([
    [
      "WebVTT",
      { content: "WEBVTT\n\n00:00,000 --> 00:02,000\nHello.\n\nmore\n" },
      [
        ["input.content", "line 3: This is not a time such as 00:01.000 --> 00:04.000."],
        ["input.content", "line 6: This is no cue: a time such as 00:01.000 --> 00:04.000 is missing."],
      ],
    ],
    [
      "SubRip",
      { format: "SRT", content: "1\n00:00:02,000 --> 00:00:01,000\nHello." },
      [["input.content", "line 2: The cue does not end after its beginning."]],
    ],
    ["a language", { language: "de_DE" }, [["input.language", "is not the tag of a language, such as de or pt-BR"]]],
    ["a label", { label: " " }, [["input.label", "is empty"]]],
    [
      "what can be kept",
      { content: VTT.replace("Hello", "a\0b") },
      [["input.content", "holds a character that cannot be stored"]],
    ],
  ])("that are not %s are refused, naming the line", async (_what, changes, fields) => {
    const { errors } = await app.ask(SET, captionInput(screening.videoId, changes), screening.school.teacher.token);
    expect(errors?.[0]?.extensions).toMatchObject({
      code: "BAD_USER_INPUT",
      fields: fields.map(([field, message]) => ({ path: field, message })),
    });
  });

  it("are in a hundred languages at most", async () => {
    const { school, videoId } = await aScreening(app.container);
    const languages = Array.from({ length: 100 }, (_, i) => `en-x-${i + 1}`);
    await app.container.db.caption.createMany({
      data: languages.map((language) => ({ videoId, language, label: language, vtt: VTT })),
    });
    const set = (language: string) => app.refusal(SET, captionInput(videoId, { language }), school.teacher.token);
    expect(await set("de")).toBe("CAPTIONS_FULL");
    expect(await set("en-x-7")).toBeUndefined();
  });
});
