import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import { S3 } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { readConfig } from "../../src/config.ts";
import { type S3Config, s3ClientConfig } from "../../src/storage/s3Client.ts";
import { s3Storage } from "../../src/storage/s3Storage.ts";
import { type Gateway, missingForGateway, startGateway } from "../support/cephGateway.ts";
import { aClip, aClipFolder, probed } from "../support/clips.ts";
import { aLesson, aSection, aVideo } from "../support/course.ts";
import { eventually } from "../support/eventually.ts";
import { playbackFor } from "../support/playback.ts";
import { aSchool, type School } from "../support/school.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";
import { aTicket, openUpload, sha256, tusFetch, uploadByTus } from "../support/uploads.ts";
import { keepsFiles } from "./storageContract.ts";

/** Generous: a whole Ceph starts here. */
jest.setTimeout(240_000);

const missing = missingForGateway();
const MB = 1024 ** 2;
const PROCESSED_WITHIN_MS = 120_000;
const Bucket = "lectern-files";
let gateway: Gateway;
let env: Record<string, string>;
let config: S3Config;
let s3: S3;

(missing ? describe.skip : describe)(`a bucket as storage${missing ? ` (skipped: ${missing})` : ""}`, () => {
  beforeAll(async () => {
    gateway = await startGateway();
    env = {
      S3_BUCKET: Bucket,
      S3_ENDPOINT: gateway.url,
      S3_ACCESS_KEY_ID: gateway.accessKey,
      S3_SECRET_ACCESS_KEY: gateway.secretKey,
    };
    const names = ["S3_BUCKET", "S3_ENDPOINT", "S3_REGION", "S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY"] as const;
    config = readConfig(env, names) as S3Config;
    s3 = new S3(s3ClientConfig(config));
    await s3.createBucket({ Bucket });
  });
  afterAll(async () => {
    s3?.destroy();
    await gateway?.close();
  });

  describe("", () => keepsFiles(() => s3Storage(config)));

  it("gives an address that opens this file for a while, with its type, and no other", async () => {
    const storage = s3Storage(config);
    await storage.put("a/list.m3u8", Buffer.from("#EXTM3U"));
    await storage.put("a/other.m3u8", Buffer.from("#EXTM3U"));
    const url = (await storage.temporaryUrl("a/list.m3u8", 60))!;
    const answer = await fetch(url);
    expect([answer.status, answer.headers.get("content-type"), await answer.text()]).toEqual([
      200,
      "application/vnd.apple.mpegurl",
      "#EXTM3U",
    ]);
    expect((await fetch(url.replace("list", "other"))).status).toBe(403);
    expect((await fetch(url.split("?")[0]!)).status).toBe(403);
    storage.close();
  });

  it("moves a file that is too large for one copy", async () => {
    const storage = s3Storage(config, { pieceBytes: 5 * MB });
    const file = randomBytes(12 * MB);
    await storage.put("uploads/large", file);
    expect(await storage.move("uploads/large", "videos/4/source/large.mp4")).toBe(true);
    expect(await storage.size("uploads/large")).toBeNull();
    const moved = (await storage.read("videos/4/source/large.mp4"))!;
    expect([sha256(await buffer(moved.stream)), moved.contentType]).toEqual([sha256(file), "video/mp4"]);
    storage.close();
  });

  describe("for uploads", () => {
    let app: TestApp;
    let other: TestApp;
    let school: School;
    beforeAll(async () => {
      app = await startTestApp({ env });
      other = await startTestApp({ beside: app });
      school = await aSchool(app.container);
    });
    afterAll(async () => {
      await other?.close();
      await app?.close();
    });

    const videoRow = (id: string) => app.container.db.video.findUniqueOrThrow({ where: { id } });
    const shaOf = async (key: string) => sha256(await buffer((await app.container.storage.read(key))!.stream));
    const send = (address: string, offset: number, bytes: Buffer) =>
      tusFetch(
        "PATCH",
        address,
        { "upload-offset": String(offset), "content-type": "application/offset+octet-stream" },
        new Uint8Array(bytes),
      );
    async function anOpenUpload(bytes: number) {
      const videoId = await aVideo(app.container, school);
      const address = await openUpload(app, await aTicket(app, school.teacher.token, videoId, bytes), bytes);
      const { id } = await app.container.db.videoUpload.findFirstOrThrow({ where: { videoId } });
      return { videoId, address, key: `uploads/${id}` };
    }
    async function unfinished(): Promise<string[]> {
      const keys = [];
      for await (const key of app.container.storage.list("uploads/")) keys.push(key);
      const { Uploads = [] } = await s3.listMultipartUploads({ Bucket });
      return [...keys, ...Uploads.map(({ Key }) => `parts of ${Key}`)];
    }

    it("takes a file in pieces, over two servers, and leaves nothing beside it", async () => {
      const file = randomBytes(12 * MB);
      const { videoId, address } = await anOpenUpload(file.length);
      expect((await send(address, 0, file.subarray(0, 6 * MB + 1_000))).status).toBe(204);
      const elsewhere = address.replace(app.url, other.url);
      await uploadByTus(other, file, { uploadUrl: elsewhere, chunkSize: 3 * MB });
      const { sourceKey, status } = await videoRow(videoId);
      expect(status).toBe("PROCESSING");
      expect(await shaOf(sourceKey!)).toBe(sha256(file));
      expect(await unfinished()).toEqual([]);
    });

    it("makes the file of its pieces when the server died before it could", async () => {
      const file = randomBytes(6 * MB);
      const { videoId, address, key } = await anOpenUpload(file.length);
      await send(address, 0, file.subarray(0, 5 * MB));
      const info = await s3.getObject({ Bucket, Key: `${key}.info` });
      const UploadId = info.Metadata!["upload-id"];
      const { Parts = [] } = await s3.listParts({ Bucket, Key: key, UploadId });
      const sent = Parts.reduce((sum, { Size }) => sum + Size!, 0);
      await s3.uploadPart({ Bucket, Key: key, UploadId, PartNumber: Parts.length + 1, Body: file.subarray(sent) });
      const { headers } = await tusFetch("HEAD", address);
      expect(headers.get("upload-offset")).toBe(String(file.length));
      expect(await shaOf((await videoRow(videoId)).sourceKey!)).toBe(sha256(file));
    });

    it("removes the pieces of an upload that was abandoned, or ended by its client", async () => {
      const abandoned = await anOpenUpload(12 * MB);
      const ended = await anOpenUpload(12 * MB);
      for (const { address } of [abandoned, ended]) await send(address, 0, randomBytes(6 * MB + 5));
      expect((await tusFetch("DELETE", ended.address)).status).toBe(204);
      await app.container.db.videoUpload.updateMany({
        where: { videoId: abandoned.videoId },
        data: { expiresAt: new Date("2020-01-01") },
      });
      await app.container.services.abandonedUploads.remove();
      expect(await unfinished()).toEqual([]);
    });
  });

  it("carries a whole lecture: uploaded, processed, played by its signed link, withdrawn and removed", async () => {
    const app = await startTestApp({ worker: true, env });
    const clips = await aClipFolder();
    try {
      const { services, db, storage } = app.container;
      const school = await aSchool(app.container);
      const student = school.students[0]!;
      const videoId = await aVideo(app.container, school);
      const lessonId = await aLesson(app.container, school, await aSection(app.container, school), { videoId });
      const clip = await readFile(await aClip(clips.folder, "lecture.mp4", { size: "640x360" }));
      await uploadByTus(app, clip, { token: await aTicket(app, school.teacher.token, videoId, clip.length) });
      const isReady = async () => (await db.video.findUniqueOrThrow({ where: { id: videoId } })).status === "READY";
      await eventually("the video is READY", isReady, PROCESSED_WITHIN_MS);

      const links = await eventually("the student has links", () => playbackFor(app, student, videoId));
      const { streams, format } = await probed(links.hlsUrl);
      expect(streams.map((each: Record<string, string>) => each.codec_name).sort()).toEqual(["aac", "h264"]);
      expect(Number(format.duration)).toBeCloseTo(2, 0);
      expect((await fetch(links.posterUrl)).headers.get("content-type")).toBe("image/jpeg");
      const [segment] = (await fetch(new URL("360p/index.m3u8", links.hlsUrl)).then((list) => list.text())).match(
        /^\w+\.m4s$/m,
      )!;
      const fragment = new URL(`360p/${segment}`, links.hlsUrl);
      const ranged = await fetch(fragment, { headers: { range: "bytes=4-7" } });
      expect([ranged.status, await ranged.text()]).toEqual([206, expect.stringMatching(/^(styp|moof|sidx)$/)]);

      await services.courses.withdraw(school.teacher.actor, school.courseId, student.id);
      for (const address of [links.hlsUrl, fragment]) expect((await fetch(address)).status).toBe(404);

      await services.lessons.remove(school.teacher.actor, lessonId);
      await services.videos.remove(school.teacher.actor, videoId);
      await eventually(
        "nothing of it is left in the bucket",
        async () => (await s3.listObjectsV2({ Bucket, Prefix: `videos/${videoId}/` })).KeyCount === 0,
        PROCESSED_WITHIN_MS,
      );
      for await (const key of storage.list("uploads/")) throw new Error(`${key} is left`);
    } finally {
      await app.close();
      await clips.remove();
    }
  });
});
