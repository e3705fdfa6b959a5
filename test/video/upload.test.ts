import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type http from "node:http";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { aVideo } from "../support/course.ts";
import { eventually } from "../support/eventually.ts";
import { openSite, type Program } from "../support/processes.ts";
import { askAt } from "../support/savingStudent.ts";
import { aSchool, type School } from "../support/school.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";
import {
  aTicket,
  CREATE_UPLOAD,
  hangingPiece,
  openUpload,
  sendPiece as send,
  sha256,
  sourceOf,
  tusFetch,
  tusRefusal,
  unfinishedFiles,
  uploadByTus,
} from "../support/uploads.ts";

/** Generous: servers start and die here, and the machine may be busy. */
jest.setTimeout(180_000);

const FRONT_END = "https://school.example";
const MB = 1024 ** 2;

let app: TestApp;
let other: TestApp;
let school: School;
let stored: string;
beforeAll(async () => {
  stored = await mkdtemp(path.join(os.tmpdir(), "lectern-stored-"));
  app = await startTestApp({ env: { STORAGE_DIR: stored, VIDEO_MAX_MB: "2" } });
  other = await startTestApp({ beside: app });
  school = await aSchool(app.container);
});
afterAll(async () => {
  await other?.close();
  await app?.close();
  if (stored) await rm(stored, { recursive: true, force: true });
});

const db = () => app.container.db;
const token = () => school.teacher.token;
const ticketFor = (videoId: string, bytes: number) => aTicket(app, token(), videoId, bytes);
const videoRow = (id: string) => db().video.findUniqueOrThrow({ where: { id } });
const uploadRow = (videoId: string) => db().videoUpload.findFirstOrThrow({ where: { videoId } });
const probesOf = (videoId: string) =>
  db().outboxJob.findMany({ where: { name: "probeVideo", payload: { path: ["videoId"], equals: videoId } } });

/** A video, and an upload for it that was opened. */
async function anOpenUpload(bytes: number) {
  const videoId = await aVideo(app.container, school);
  const address = await openUpload(app, await ticketFor(videoId, bytes), bytes);
  const upload = await uploadRow(videoId);
  return { videoId, address, upload, file: path.join(stored, "uploads", upload.id) };
}

/** Begins to send the video's file, and stops in the middle of it without a word. */
const aHangingPiece = async (address: string, videoId: string, file: Buffer, sent: number) =>
  hangingPiece(app, address, { partKey: `uploads/${(await uploadRow(videoId)).id}`, file, sent });

describe("an upload", () => {
  it("becomes the video's file, and its processing is asked for", async () => {
    const videoId = await aVideo(app.container, school);
    const file = randomBytes(MB);
    await uploadByTus(app, file, { token: await ticketFor(videoId, file.length), chunkSize: 300_000 });

    expect(sha256(await sourceOf(app, stored, videoId))).toBe(sha256(file));
    const video = await videoRow(videoId);
    expect(video).toMatchObject({ status: "PROCESSING", run: 1, sourceBytes: BigInt(MB), error: null });
    const [probe, ...more] = await probesOf(videoId);
    expect(more).toEqual([]);
    expect(probe).toMatchObject({ payload: { videoId, run: 1 }, ownerId: school.teacher.id });
    expect(video.jobIds).toEqual([probe!.id]);
    expect(await unfinishedFiles(stored)).not.toContain((await uploadRow(videoId)).id);
  });

  it("may come whole with the request that opens it", async () => {
    const videoId = await aVideo(app.container, school);
    const file = randomBytes(50_000);
    const ticket = await ticketFor(videoId, file.length);
    await uploadByTus(app, file, { token: ticket, uploadDataDuringCreation: true });
    expect(sha256(await sourceOf(app, stored, videoId))).toBe(sha256(file));
  });

  it("takes the place of a file whose processing failed", async () => {
    const videoId = await aVideo(app.container, school);
    const [bad, good] = [randomBytes(1_000), randomBytes(2_000)];
    await uploadByTus(app, bad, { token: await ticketFor(videoId, bad.length) });
    const { sourceKey } = await videoRow(videoId);
    await db().video.update({ where: { id: videoId }, data: { status: "FAILED", error: "no video" } });
    await uploadByTus(app, good, { token: await ticketFor(videoId, good.length) });

    expect(await videoRow(videoId)).toMatchObject({ status: "PROCESSING", run: 2, error: null });
    expect(sha256(await sourceOf(app, stored, videoId))).toBe(sha256(good));
    expect(await app.container.storage.size(sourceKey!)).toBeNull();
  });

  it("can be ended by its client, which leaves nothing behind", async () => {
    const { address, file, videoId } = await anOpenUpload(1_000);
    await send(address, 0, randomBytes(500));
    expect((await tusFetch("DELETE", address)).status).toBe(204);
    expect((await tusFetch("HEAD", address)).status).toBe(404);
    expect((await unfinishedFiles(stored)).filter((name) => name.startsWith(path.basename(file)))).toEqual([]);
    expect(await db().videoUpload.count({ where: { videoId } })).toBe(0);
  });

  it("cannot be ended once it is finished", async () => {
    const { address, videoId } = await anOpenUpload(10);
    await send(address, 0, randomBytes(10));
    expect((await tusFetch("DELETE", address)).status).toBe(409);
    expect(await sourceOf(app, stored, videoId)).toHaveLength(10);
  });
});

describe("a permission to upload", () => {
  it("opens one upload, also when two clients use it at once", async () => {
    const videoId = await aVideo(app.container, school);
    const ticket = await ticketFor(videoId, 10);
    const opening = await Promise.allSettled([openUpload(app, ticket, 10), openUpload(other, ticket, 10)]);
    expect(opening.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
    const { status, body } = await tusRefusal(uploadByTus(app, Buffer.alloc(10), { token: ticket }));
    expect({ status, body }).toEqual({ status: 403, body: expect.stringContaining("token is not good") });
  });

  it.each([undefined, "", "guessed"])("is needed: %p opens nothing", async (guessed) => {
    const { status } = await tusRefusal(uploadByTus(app, Buffer.alloc(10), { token: guessed }));
    expect(status).toBe(403);
  });

  it("is not good for ever", async () => {
    const videoId = await aVideo(app.container, school);
    const ticket = await ticketFor(videoId, 10);
    await db().videoUpload.updateMany({ where: { videoId }, data: { expiresAt: new Date("2020-01-01") } });
    expect((await tusRefusal(uploadByTus(app, Buffer.alloc(10), { token: ticket }))).status).toBe(403);
  });

  it("is for as many bytes as were named, and stays good after a mistake", async () => {
    const videoId = await aVideo(app.container, school);
    const ticket = await ticketFor(videoId, 10);
    expect(await tusRefusal(uploadByTus(app, Buffer.alloc(11), { token: ticket }))).toMatchObject({ status: 413 });
    expect(await tusRefusal(uploadByTus(app, Buffer.alloc(9), { token: ticket }))).toMatchObject({ status: 422 });
    await uploadByTus(app, Buffer.alloc(10), { token: ticket });
  });

  it("is not given for a file that is too large, and tus says so too", async () => {
    const videoId = await aVideo(app.container, school);
    const bytes = 2 * MB + 1;
    const { errors } = await app.ask(CREATE_UPLOAD, { input: { videoId, fileName: "a.mp4", bytes } }, token());
    expect(errors![0]!.extensions).toMatchObject({ code: "BAD_USER_INPUT", fields: [{ path: "input.bytes" }] });
    const refusal = await tusRefusal(uploadByTus(app, Buffer.alloc(bytes), { token: await ticketFor(videoId, 10) }));
    expect(refusal).toEqual({ status: 413, body: "The file is too large: at most 2 MB may be uploaded.\n" });
  });

  it("is not given for a video that has its file", async () => {
    for (const status of ["PROCESSING", "READY"] as const) {
      const videoId = await aVideo(app.container, school, { status });
      const input = { videoId, fileName: "a.mp4", bytes: 10 };
      expect(await app.refusal(CREATE_UPLOAD, { input }, token())).toBe("VIDEO_HAS_FILE");
    }
  });

  it("ends the upload that an earlier one opened", async () => {
    const { address, videoId } = await anOpenUpload(10);
    await uploadByTus(app, Buffer.alloc(20, "b"), { token: await ticketFor(videoId, 20) });
    expect((await send(address, 0, Buffer.alloc(10, "a"))).status).toBe(404);
    expect((await sourceOf(app, stored, videoId)).toString()).toBe("b".repeat(20));
  });

  it("is told to nobody who asks for the upload", async () => {
    const { address } = await anOpenUpload(10);
    const { headers } = await tusFetch("HEAD", address);
    expect(headers.get("upload-metadata") ?? "").toBe("");
  });
});

describe("an upload whose owner has lost the right to it", () => {
  const losses: [string, (owner: School["teacher"]) => Promise<unknown>][] = [
    [
      "was withdrawn from the course",
      ({ id }) => db().enrollment.updateMany({ where: { userId: id }, data: { status: "WITHDRAWN" } }),
    ],
    [
      "became a student of it",
      ({ id }) => db().enrollment.updateMany({ where: { userId: id }, data: { role: "STUDENT" } }),
    ],
    ["was disabled", ({ id }) => db().user.update({ where: { id }, data: { disabledAt: new Date() } })],
    ["lost the role", ({ id }) => db().user.update({ where: { id }, data: { role: "STUDENT" } })],
  ];

  it.each(losses)("because the teacher %s goes no further, and nothing is processed", async (_how, lose) => {
    const own = await aSchool(app.container);
    const [going, whole, waiting] = await Promise.all([0, 1, 2].map(() => aVideo(app.container, own)));
    const ticket = (videoId: string) => aTicket(app, own.teacher.token, videoId, 10);
    const addresses = [];
    for (const videoId of [going!, whole!]) addresses.push(await openUpload(app, await ticket(videoId), 10));
    const unused = await ticket(waiting!);
    expect((await send(addresses[0]!, 0, Buffer.alloc(5))).status).toBe(204);
    const { id } = await uploadRow(whole!);
    await writeFile(path.join(stored, "uploads", id), Buffer.alloc(10)); // a server died after the last byte
    await lose(own.teacher);

    expect((await send(addresses[0]!, 5, Buffer.alloc(5))).status).toBe(403);
    expect((await tusFetch("HEAD", addresses[1]!)).status).toBe(403);
    expect((await tusRefusal(uploadByTus(app, Buffer.alloc(10), { token: unused }))).status).toBe(403);
    await app.container.services.abandonedUploads.remove(); // finishes what nobody asks for, but not this
    for (const videoId of [going!, whole!, waiting!]) {
      expect(await videoRow(videoId)).toMatchObject({ status: "UPLOADING", run: 0, sourceKey: null });
      expect(await probesOf(videoId)).toEqual([]);
    }
    expect((await unfinishedFiles(stored)).filter((name) => name.startsWith(id))).toEqual([]);
  });

  it("in the middle of the last piece is refused as well, and its file is dropped", async () => {
    const own = await aSchool(app.container);
    const videoId = await aVideo(app.container, own);
    const file = randomBytes(2_000);
    const address = await openUpload(app, await aTicket(app, own.teacher.token, videoId, file.length), file.length);
    const last = await aHangingPiece(address, videoId, file, 700);
    const answer = new Promise<http.IncomingMessage>((resolve) => last.once("response", resolve));
    await db().user.update({ where: { id: own.teacher.id }, data: { disabledAt: new Date() } });
    last.end(file.subarray(700));

    expect((await answer).statusCode).toBe(403);
    expect(await videoRow(videoId)).toMatchObject({ status: "UPLOADING", run: 0, sourceKey: null });
    expect(await db().videoUpload.count({ where: { videoId } })).toBe(0);
    for await (const key of app.container.storage.list(`videos/${videoId}/`)) throw new Error(`${key} is left`);
  });
});

describe("the address of an upload", () => {
  it("cannot be guessed from its id", async () => {
    const { address, upload } = await anOpenUpload(10);
    const guesses = [upload.id, `${upload.id}.`, `${upload.id}.${"A".repeat(43)}`, "..%2f..%2fetc%2fpasswd"];
    for (const guess of guesses)
      expect([guess, (await tusFetch("HEAD", `${app.url}/uploads/${guess}`)).status]).toEqual([guess, 404]);
    expect((await tusFetch("HEAD", address)).status).toBe(200);
  });

  it("gives nobody the file back", async () => {
    const { address } = await anOpenUpload(10);
    expect((await tusFetch("GET", address)).status).toBe(404);
  });

  it("takes no more bytes than were named, however they come", async () => {
    const { address, file } = await anOpenUpload(10);
    expect((await send(address, 0, Buffer.alloc(11))).status).toBe(413);
    const endless = new ReadableStream({ pull: (stream) => stream.enqueue(new Uint8Array(100)) });
    const headers = { "upload-offset": "0", "content-type": "application/offset+octet-stream" };
    const answer = await tusFetch("PATCH", address, headers, endless).catch(() => null); // cut off in the middle
    expect(answer?.status ?? 413).toBe(413);
    await eventually("no byte too many is kept", async () => {
      const offset = Number((await tusFetch("HEAD", address)).headers.get("upload-offset"));
      return offset <= 10;
    });
    expect(await app.container.storage.size(`uploads/${path.basename(file)}`)).toBeLessThanOrEqual(10);
  });

  it("refuses a piece that does not begin where the last one ended", async () => {
    const { address } = await anOpenUpload(10);
    expect((await send(address, 5, Buffer.alloc(5))).status).toBe(409);
  });
});

describe("a client that lost the connection", () => {
  it("is given the upload at once, on another server, although the first still waits for bytes", async () => {
    const bytes = randomBytes(2_000);
    const { address, videoId } = await anOpenUpload(bytes.length);
    const hanging = await aHangingPiece(address, videoId, bytes, 700);
    const elsewhere = address.replace(app.url, other.url);
    await uploadByTus(other, bytes, { uploadUrl: elsewhere });
    hanging.destroy();
    expect(sha256(await sourceOf(app, stored, videoId))).toBe(sha256(bytes));
    expect(await probesOf(videoId)).toHaveLength(1);
  });

  it("goes on where it was when the server is told to stop, which does not wait for the rest", async () => {
    const file = randomBytes(2_000);
    const stopping = await startTestApp({ beside: app });
    const { address, videoId } = await anOpenUpload(file.length);
    await aHangingPiece(address.replace(app.url, stopping.url), videoId, file, 700);
    await stopping.close();
    await uploadByTus(app, file, { uploadUrl: address });
    expect(sha256(await sourceOf(app, stored, videoId))).toBe(sha256(file));
  });

  it("goes on where it was when the database has dropped the locks", async () => {
    const file = randomBytes(2_000);
    const { address, videoId } = await anOpenUpload(file.length);
    const hanging = await aHangingPiece(address, videoId, file, 700);
    await db().$queryRaw`
      SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
      WHERE datname = current_database() AND application_name = 'lectern-uploads'`;
    await uploadByTus(other, file, { uploadUrl: address.replace(app.url, other.url), retryDelays: [100, 500, 1_000] });
    hanging.destroy();
    expect(sha256(await sourceOf(app, stored, videoId))).toBe(sha256(file));
  });

  it("is told that all is there when the answer to its last piece was lost", async () => {
    const { address, videoId } = await anOpenUpload(10);
    await send(address, 0, Buffer.alloc(10));
    for (const server of [app, other]) {
      const { status, headers } = await tusFetch("HEAD", address.replace(app.url, server.url));
      expect([status, headers.get("upload-offset"), headers.get("upload-length")]).toEqual([200, "10", "10"]);
    }
    expect((await send(address, 10, Buffer.alloc(0))).status).toBe(204);
    expect(await probesOf(videoId)).toHaveLength(1);
  });
});

describe("a server that died after the last byte", () => {
  it("before the file was in its place: the client's next question finishes the upload", async () => {
    const { address, videoId, file } = await anOpenUpload(10);
    await writeFile(file, Buffer.alloc(10, "x"));
    const { headers } = await tusFetch("HEAD", address);
    expect(headers.get("upload-offset")).toBe("10");
    expect(await videoRow(videoId)).toMatchObject({ status: "PROCESSING", run: 1 });
    expect((await sourceOf(app, stored, videoId)).toString()).toBe("x".repeat(10));
  });

  it("before the database knew: several questions at once finish it once", async () => {
    const { address, videoId, file, upload } = await anOpenUpload(10);
    await writeFile(file, Buffer.alloc(10, "x"));
    await app.container.storage.move(`uploads/${upload.id}`, `videos/${videoId}/source/${upload.id}`);
    const asking = [app, other, app, other].map(({ url }) => tusFetch("HEAD", address.replace(app.url, url)));
    for (const { status } of await Promise.all(asking)) expect(status).toBe(200);
    expect(await videoRow(videoId)).toMatchObject({ status: "PROCESSING", run: 1 });
    expect(await probesOf(videoId)).toHaveLength(1);
  });

  it("and whose client never asks: the clean-up finishes it", async () => {
    const { videoId, file } = await anOpenUpload(10);
    await writeFile(file, Buffer.alloc(10, "x"));
    await app.container.services.abandonedUploads.remove();
    expect(await videoRow(videoId)).toMatchObject({ status: "PROCESSING", run: 1 });
    await app.container.services.abandonedUploads.remove();
    expect(await probesOf(videoId)).toHaveLength(1);
  });
});

describe("the clean-up", () => {
  it("removes what was abandoned, and leaves what goes on", async () => {
    const abandoned = await anOpenUpload(10);
    const orphan = await anOpenUpload(10);
    const going = await anOpenUpload(10);
    for (const { address } of [abandoned, orphan, going]) await send(address, 0, Buffer.alloc(5));
    await db().videoUpload.update({ where: { id: abandoned.upload.id }, data: { expiresAt: new Date("2020-01-01") } });
    await app.container.services.videos.remove(school.teacher.actor, orphan.videoId);

    expect((await tusFetch("HEAD", abandoned.address)).status).toBe(404);
    await app.container.services.abandonedUploads.remove();
    const left = (await unfinishedFiles(stored)).join(" ");
    expect(left).not.toContain(abandoned.upload.id);
    expect(left).not.toContain(orphan.upload.id);
    expect((await send(going.address, 5, Buffer.alloc(5))).status).toBe(204);
    expect(await videoRow(going.videoId)).toMatchObject({ status: "PROCESSING" });
  });
});

describe("the files of a video", () => {
  it("go when it was removed, and not before", async () => {
    const { address, videoId, upload } = await anOpenUpload(10);
    await send(address, 0, Buffer.alloc(10));
    const { services, storage } = app.container;
    const source = `videos/${videoId}/source/${upload.id}`;
    await services.videoFiles.removeVideo(videoId);
    expect(await storage.size(source)).toBe(10);
    await services.videos.remove(school.teacher.actor, videoId);
    await services.videoFiles.removeVideo(videoId);
    await services.videoFiles.removeVideo(videoId);
    expect(await storage.size(source)).toBeNull();
  });

  it("of an old run go, and those it plays from stay", async () => {
    const videoId = await aVideo(app.container, school, { status: "READY" });
    await db().video.update({ where: { id: videoId }, data: { run: 2 } });
    const { services, storage } = app.container;
    const lists = [1, 2].map((run) => `videos/${videoId}/runs/${run}/master.m3u8`);
    for (const list of lists) await storage.put(list, Buffer.from("#EXTM3U"));
    for (const run of [1, 2]) await services.videoFiles.removeRun(videoId, run);
    expect(await Promise.all(lists.map((list) => storage.size(list)))).toEqual([null, 7]);
  });
});

describe("a front end on another origin", () => {
  let open: TestApp;
  beforeAll(async () => {
    open = await startTestApp({ beside: { config: { ...app.config, CORS_ORIGINS: [FRONT_END] } } });
  });
  afterAll(() => open?.close());

  const anUploadThere = async () => (await anOpenUpload(10)).address.replace(app.url, open.url);
  const asked = {
    "access-control-request-method": "PATCH",
    "access-control-request-headers": "tus-resumable,upload-offset,content-type",
  };

  it("may upload where it is allowed", async () => {
    const address = await anUploadThere();
    for (const page of [`${open.url}/uploads`, address]) {
      const { status, headers } = await tusFetch("OPTIONS", page, { origin: FRONT_END, ...asked });
      expect([status, headers.get("access-control-allow-origin")]).toEqual([204, FRONT_END]);
      expect(headers.get("access-control-allow-methods")).toContain("PATCH");
      expect(headers.get("access-control-allow-headers")).toContain("Upload-Offset");
      expect(headers.get("tus-max-size")).toBe(String(2 * MB));
    }
    const body = Buffer.alloc(10);
    const headers = { origin: FRONT_END, "upload-offset": "0", "content-type": "application/offset+octet-stream" };
    const answers = [
      await tusFetch("PATCH", address, headers, new Uint8Array(body)),
      await tusFetch("HEAD", address, { origin: FRONT_END }), // finished: not answered by tus any more
      await tusFetch("HEAD", `${open.url}/uploads/none`, { origin: FRONT_END }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([204, 200, 404]);
    for (const answer of answers) {
      expect(answer.headers.get("access-control-allow-origin")).toBe(FRONT_END);
      expect(answer.headers.get("access-control-expose-headers")).toContain("Upload-Offset");
    }
  });

  it("may not elsewhere", async () => {
    const address = await anUploadThere();
    for (const method of ["OPTIONS", "HEAD"]) {
      const { headers } = await tusFetch(method, address, { origin: "https://elsewhere.example", ...asked });
      expect(headers.get("access-control-allow-origin")).toBeNull();
    }
  });
});

describe("kill -9 of the server in the middle of an upload", () => {
  it("costs the client what was on its way: it goes on by itself, and then on another server", async () => {
    const folder = await mkdtemp(path.join(os.tmpdir(), "lectern-shared-"));
    const site = await openSite({ env: { STORAGE_DIR: folder } });
    try {
      const { teacher, courseId } = await aSchool(site.container);
      const videoId = await aVideo(site.container, { teacher, courseId });
      const file = randomBytes(24 * MB);
      let server: Program = await site.start("server");
      const second = await site.start("server");
      const ask = (query: string, variables: object = {}) =>
        askAt(server.url, query, variables as Record<string, unknown>, teacher.token);
      const ticket = await aTicket({ ask }, teacher.token, videoId, file.length);

      let kills = 0;
      let restarted: Promise<Program> | undefined;
      const killAndRestart = async () => {
        await server.kill();
        return site.start("server", server);
      };
      await uploadByTus(server, file, {
        token: ticket,
        chunkSize: 4 * MB,
        retryDelays: Array.from({ length: 400 }, () => 250),
        onProgress: (sent) => {
          // Not at the end of a piece but in one: what the server has of it then is anybody's guess.
          if (kills > 0 || sent < 9.5 * MB) return;
          kills += 1;
          restarted = killAndRestart();
        },
      });
      expect(kills).toBe(1);
      server = await restarted!;
      expect(sha256(await sourceOf(site, folder, videoId))).toBe(sha256(file));

      // And once more, with a client that starts anew where another server is left.
      const nextId = await aVideo(site.container, { teacher, courseId });
      const next = await openUpload(server, await aTicket({ ask }, teacher.token, nextId, file.length), file.length);
      const sending = send(next, 0, file).catch(() => null);
      const id = (await site.container.db.videoUpload.findFirstOrThrow({ where: { videoId: nextId } })).id;
      await eventually("some of it is there", async () => (await site.container.storage.size(`uploads/${id}`))! > 0);
      await server.kill();
      await sending;
      await uploadByTus(second, file, { uploadUrl: next.replace(server.url, second.url) });
      expect(sha256(await sourceOf(site, folder, nextId))).toBe(sha256(file));
      expect(await site.container.db.video.count({ where: { status: "PROCESSING", run: 1 } })).toBe(2);
    } finally {
      await site.close();
      await rm(folder, { recursive: true, force: true });
    }
  });
});
