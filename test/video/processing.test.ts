import { execFile } from "node:child_process";
import { cp, mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { type types as hls, parse } from "hls-parser";
import { createFfmpeg, FFMPEG_MISSING } from "../../src/ffmpeg/ffmpeg.ts";
import { createLogger } from "../../src/utils/logger.ts";
import { aClip, aClipFolder, aVideoWithFile, ffmpeg, probed } from "../support/clips.ts";
import { aLesson, aSection } from "../support/course.ts";
import { eventually } from "../support/eventually.ts";
import { openSite } from "../support/processes.ts";
import { aSchool, type School } from "../support/school.ts";
import { subscribeTo } from "../support/subscriber.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";

/** Generous: ffmpeg runs many times here, and the machine may be busy. */
jest.setTimeout(240_000);
const WITHIN_MS = 120_000;
const silent = createLogger({ level: "silent", pretty: false, program: "test" });

let app: TestApp;
let worker: TestApp;
let school: School;
let stored: string;
let clips: Awaited<ReturnType<typeof aClipFolder>>;
beforeAll(async () => {
  stored = await mkdtemp(path.join(os.tmpdir(), "lectern-stored-"));
  clips = await aClipFolder();
  // Two processes, as in a real installation: what one is told, the other has to hear of.
  app = await startTestApp({ env: { STORAGE_DIR: stored, VIDEO_MAX_MINUTES: "1" } });
  worker = await startTestApp({ worker: true, beside: app });
  school = await aSchool(app.container);
});
afterAll(async () => {
  await worker?.close();
  await app?.close();
  await clips?.remove();
  if (stored) await rm(stored, { recursive: true, force: true });
});

const token = () => school.teacher.token;
const RETRY = "mutation ($id: ID!) { retryVideo(id: $id) { status processingPercent error } }";
const CANCEL = "mutation ($id: ID!) { cancelVideo(id: $id) { status error } }";
const SHOW = `query ($id: ID!) {
  video(id: $id) { status error processingPercent durationSeconds width height processingJobs { name state progress } }
}`;
const show = async (id: string) => (await app.ask(SHOW, { id }, token())).data.video;
const isDone = async (id: string) => {
  const video = await show(id);
  return ["READY", "FAILED"].includes(video.status) ? video : null;
};
const runFolder = (id: string, run = 1) => path.join(stored, "videos", id, "runs", String(run));

/** Gives a new video this file, processes it, and tells how that ended. */
async function processed(file: string) {
  const id = await aVideoWithFile(app, school, file);
  const begun = await app.ask(RETRY, { id }, token());
  expect(begun.data.retryVideo).toEqual({ status: "PROCESSING", processingPercent: 0, error: null });
  const video = await eventually(`${path.basename(file)} is processed`, () => isDone(id), WITHIN_MS);
  return { id, video };
}

const workFolders = async () =>
  (await readdir(os.tmpdir())).filter((name) => name.startsWith("lectern-video-") && name.includes(`-${process.pid}-`));

/** A media playlist with its segments, and what ffprobe finds in them. */
async function rendition(folder: string, height: number) {
  const own = path.join(folder, `${height}p`);
  const playlist = parse(await readFile(path.join(own, "index.m3u8"), "utf8")) as hls.MediaPlaylist;
  const { streams } = await probed(
    path.join(own, "index.m3u8"),
    "-protocol_whitelist",
    "file",
    "-allowed_extensions",
    "ALL",
  );
  const { packets } = await probed(
    path.join(own, "index.m3u8"),
    ...["-allowed_extensions", "ALL", "-select_streams", "v", "-show_packets"],
  );
  const keyFrames = (packets as { flags: string; pts_time: string }[])
    .filter(({ flags }) => flags.startsWith("K"))
    .map(({ pts_time }) => Number(pts_time).toFixed(2));
  return { playlist, streams, keyFrames, files: (await readdir(own)).sort() };
}

describe("a lecture of 1280 × 720", () => {
  it("becomes three sizes with their key frames at the same times, a poster and small pictures", async () => {
    const file = await aClip(clips.folder, "lecture.mp4", { size: "1280x720", seconds: 5, rate: 30 });
    const { id, video } = await processed(file);
    expect(video).toMatchObject({ status: "READY", error: null, processingPercent: 100, width: 1280, height: 720 });
    expect(video.durationSeconds).toBeCloseTo(5, 0);
    expect(video.processingJobs.map(({ name, state }: Record<string, string>) => `${name} ${state}`).sort()).toEqual([
      "assembleVideo COMPLETED",
      "makePreviews COMPLETED",
      "probeVideo COMPLETED",
      "transcodeRendition COMPLETED",
      "transcodeRendition COMPLETED",
      "transcodeRendition COMPLETED",
    ]);

    const folder = runFolder(id);
    const master = parse(await readFile(path.join(folder, "master.m3u8"), "utf8")) as hls.MasterPlaylist;
    expect(master.variants.map(({ uri, resolution }) => [uri, resolution])).toEqual([
      ["360p/index.m3u8", { width: 640, height: 360 }],
      ["480p/index.m3u8", { width: 852, height: 480 }],
      ["720p/index.m3u8", { width: 1280, height: 720 }],
    ]);
    for (const { codecs, bandwidth } of master.variants) {
      expect(codecs).toMatch(/^avc1\.6400[0-9a-f]{2},mp4a\.40\.2$/);
      expect(bandwidth).toBeGreaterThan(10_000);
    }
    for (const height of [360, 480, 720]) {
      const { playlist, streams, keyFrames, files } = await rendition(folder, height);
      expect(playlist.endlist).toBe(true);
      expect(playlist.segments.map(({ uri }) => uri)).toEqual(["seg_0001.m4s", "seg_0002.m4s"]);
      expect(playlist.segments[0]!.duration).toBeCloseTo(4, 1);
      expect(playlist.segments[0]!.map!.uri).toBe("init.mp4");
      expect(files).toEqual(["index.m3u8", "init.mp4", "seg_0001.m4s", "seg_0002.m4s"]);
      expect(streams.map(({ codec_name }: Record<string, string>) => codec_name).sort()).toEqual(["aac", "h264"]);
      expect(streams.find((each: Record<string, string>) => each.codec_type === "video")).toMatchObject({
        ...{ height, r_frame_rate: "30/1", pix_fmt: "yuv420p", sample_aspect_ratio: "1:1" },
      });
      expect(keyFrames.map((at) => (Number(at) - Number(keyFrames[0])).toFixed(2))).toEqual(["0.00", "4.00"]);
    }

    const pictureSize = async (name: string) => {
      const { streams } = await probed(path.join(folder, name));
      return [streams[0].codec_name, streams[0].width, streams[0].height];
    };
    expect(await pictureSize("poster.jpg")).toEqual(["mjpeg", 1280, 720]);
    expect(await pictureSize("sprite_0.jpg")).toEqual(["mjpeg", 480, 90]);
    const vtt = await readFile(path.join(folder, "sprites.vtt"), "utf8");
    expect([...vtt.matchAll(/sprite_0\.jpg#xywh=(\d+),0,160,90/g)].map(([, x]) => x)).toEqual(["0", "160", "320"]);
    expect((await readdir(folder)).sort()).toEqual([
      ...["360p", "480p", "720p", "master.m3u8", "poster.jpg", "sprite_0.jpg", "sprites.vtt"],
    ]);
    expect(await workFolders()).toEqual([]);
  });
});

describe("a file of an unusual kind", () => {
  const sizesOf = async (id: string) => {
    const master = parse(await readFile(path.join(runFolder(id), "master.m3u8"), "utf8")) as hls.MasterPlaylist;
    return master.variants.map(({ resolution, codecs }) => `${resolution!.width}x${resolution!.height} ${codecs}`);
  };

  it("without sound and of an odd size keeps its size, made even", async () => {
    const extra = ["-vf", "scale=321:241", "-pix_fmt", "yuv444p"];
    const { id, video } = await processed(
      await aClip(clips.folder, "odd.mp4", { size: "321x241", sound: false, extra }),
    );
    expect(video).toMatchObject({ status: "READY", error: null, width: 321, height: 241 });
    expect(await sizesOf(id)).toEqual([expect.stringMatching(/^320x240 avc1\.[0-9a-f]{6}$/)]);
    expect((await rendition(runFolder(id), 240)).streams).toHaveLength(1);
  });

  it("held upright by a telephone stands upright", async () => {
    const flat = await aClip(clips.folder, "flat.mp4", { size: "640x360" });
    const file = path.join(clips.folder, "upright.mp4");
    await ffmpeg("-i", flat, "-c", "copy", "-metadata:s:v:0", "rotate=90", file);
    const { id, video } = await processed(file);
    expect(video).toMatchObject({ status: "READY", width: 360, height: 640 });
    expect(await sizesOf(id)).toEqual([expect.stringMatching(/^360x640 /)]);
    const { streams } = await rendition(runFolder(id), 640);
    const picture = streams.find((each: Record<string, string>) => each.codec_type === "video");
    expect([picture.width, picture.height, picture.side_data_list]).toEqual([360, 640, undefined]);
  });

  it("with an unsteady frame rate gets a steady one and keeps its length", async () => {
    const extra = ["-vf", "select='lt(mod(n,20),8)'", "-fps_mode", "vfr"];
    const { id, video } = await processed(await aClip(clips.folder, "unsteady.mp4", { seconds: 4, rate: 30, extra }));
    expect(video.status).toBe("READY");
    expect(video.durationSeconds).toBeCloseTo(4, 0);
    const { streams } = await rendition(runFolder(id), 240);
    const picture = streams.find((each: Record<string, string>) => each.codec_type === "video");
    expect(picture.r_frame_rate).toBe(picture.avg_frame_rate);
  });

  it("that a browser recorded, and that does not say how long it is, is measured", async () => {
    const extra = ["-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libopus", "-live", "1", "-f", "webm"];
    const file = await aClip(clips.folder, "recorded.webm", { seconds: 3, extra });
    expect((await probed(file)).format.duration).toBeUndefined();
    const { video } = await processed(file);
    expect(video.status).toBe("READY");
    expect(video.durationSeconds).toBeCloseTo(3, 0);
  });

  it("whose sound goes on after its picture is as long as its sound", async () => {
    const silent = await aClip(clips.folder, "short.mp4", { seconds: 2, sound: false });
    const file = path.join(clips.folder, "sound-goes-on.mp4");
    await ffmpeg("-i", silent, "-f", "lavfi", "-i", "sine=duration=6", "-c:v", "copy", file);
    const { video } = await processed(file);
    expect(video).toMatchObject({ status: "READY", error: null });
    expect(video.durationSeconds).toBeGreaterThan(5);
  });
});

describe("a file that is no video, or not a whole one", () => {
  const unreadable = expect.stringMatching(/^The file is not a video that can be read\. Upload an MP4/);
  const written = async (name: string, text: string) => {
    const file = path.join(clips.folder, name);
    await writeFile(file, text);
    return file;
  };
  const failed = async (file: string) => {
    const { id, video } = await processed(file);
    expect(video).toMatchObject({ status: "FAILED", processingPercent: null });
    expect(await readdir(path.join(stored, "videos", id, "source"))).toEqual(["test"]); // kept
    expect(await workFolders()).toEqual([]);
    return video.error;
  };

  it("as a text named .mp4 is refused with a sentence", async () => {
    expect(await failed(await written("text.mp4", "This is not a video. ".repeat(500)))).toEqual(unreadable);
  });

  it("as a playlist that points at a local file opens nothing", async () => {
    const other = await aClip(clips.folder, "secret.ts");
    const text = `#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nfile://${other}\n#EXT-X-ENDLIST\n`;
    expect(await failed(await written("playlist.mp4", text))).toEqual(unreadable);
    const concat = `ffconcat version 1.0\nfile ${path.basename(other)}\n`;
    expect(await failed(await written("concat.mp4", concat))).toEqual(unreadable);
  });

  it("as a picture of enormous size is refused without being decoded", async () => {
    const file = path.join(clips.folder, "bomb.png");
    await ffmpeg("-f", "lavfi", "-i", "color=size=12000x12000:duration=1:rate=1", "-frames:v", "1", file);
    expect(await failed(file)).toEqual(unreadable);
  });

  it("as a film of enormous size is refused with its size", async () => {
    const file = await aClip(clips.folder, "large.mp4", { size: "4400x2400", rate: 1, seconds: 1, sound: false });
    expect(await failed(file)).toBe("The picture is 4400 × 2400; the largest that is processed is 4096 × 2160.");
  });

  it("as sound alone is refused", async () => {
    const file = path.join(clips.folder, "sound.m4a");
    await ffmpeg("-f", "lavfi", "-i", "sine=duration=2", file);
    expect(await failed(file)).toBe("There is no moving picture in the file.");
  });

  it("as a film that is too long is refused with its length", async () => {
    const file = await aClip(clips.folder, "long.mp4", { size: "64x64", rate: 1, seconds: 61, sound: false });
    expect(await failed(file)).toBe("The video is 2 minutes long; at most 1 are processed.");
  });

  it("as one that was cut off says so", async () => {
    const whole = await aClip(clips.folder, "whole.mp4", { seconds: 5, extra: ["-movflags", "+faststart"] });
    const cutOff = path.join(clips.folder, "cut-off.mp4");
    await cp(whole, cutOff);
    await truncate(cutOff, Math.floor((await readFile(whole)).length * 0.4));
    expect(await failed(cutOff)).toMatch(/^Only \d of 5 seconds can be read: the file is damaged or was cut off\./);

    const withoutIndex = path.join(clips.folder, "without-index.mp4");
    await cp(await aClip(clips.folder, "whole2.mp4", { seconds: 5 }), withoutIndex);
    await truncate(withoutIndex, 20_000);
    expect(await failed(withoutIndex)).toEqual(unreadable);
  });
});

/** Takes a while on any machine: about ten seconds of work for one core. */
const aLongClip = () => aClip(clips.folder, "busy.mp4", { size: "1280x720", seconds: 30, rate: 30 });

/** The ffmpeg processes that work in folders below this one. */
async function ffmpegsIn(folder: string): Promise<number[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => ""))); // gone meanwhile
  return pids.filter((_pid, at) => lines[at]!.startsWith("ffmpeg\0") && lines[at]!.includes(folder));
}
const ownFfmpegs = () => ffmpegsIn(path.join(os.tmpdir(), "lectern-video-"));

describe("somebody who follows a processing", () => {
  it("sees it advance until it is cancelled, which ends ffmpeg within three seconds in another process", async () => {
    const id = await aVideoWithFile(app, school, await aLongClip());
    await app.ask(RETRY, { id }, token());
    const seen: { status: string; processingPercent: number | null; error: string | null }[] = [];
    const changes = subscribeTo(
      app.url,
      "subscription ($id: ID!) { videoChanged(id: $id) { status processingPercent error } }",
      { id },
      token(),
    );
    const watching = (async () => {
      for await (const { data } of changes) seen.push(data.videoChanged);
    })();
    await eventually(
      "the percentage rises",
      () => new Set(seen.map((each) => each.processingPercent)).size > 3,
      WITHIN_MS,
    );
    const [running] = await eventually("ffmpeg runs", async () => {
      const pids = await ownFfmpegs();
      return pids.length > 0 ? pids : null;
    });
    const { stdout } = await promisify(execFile)("ps", ["-o", "cls=", "-p", String(running)]);
    expect([stdout.trim(), os.getPriority(running)]).toEqual(["IDL", 19]);
    const environment = await readFile(`/proc/${running}/environ`, "utf8");
    expect(environment.split("\0").filter(Boolean)).toEqual([`PATH=${process.env.PATH}`]);

    const { data } = await app.ask(CANCEL, { id }, token());
    expect(data.cancelVideo.status).toBe("FAILED");
    await eventually("ffmpeg is gone", async () => (await ownFfmpegs()).length === 0);
    await watching;
    const percents = seen.filter(({ status }) => status === "PROCESSING").map((each) => each.processingPercent!);
    expect([...percents].sort((a, b) => a - b)).toEqual(percents);
    expect(seen.at(-1)).toEqual({
      status: "FAILED",
      processingPercent: null,
      error: "The processing was cancelled. The file is kept: it can be processed again.",
    });
    await eventually("nothing is left of it", async () => (await workFolders()).length === 0);
    await eventually(
      "its files are removed",
      async () =>
        !(await readdir(path.join(stored, "videos", id))).includes("runs") ||
        (await readdir(path.join(stored, "videos", id, "runs"))).length === 0,
    );

    // Again is the same as once.
    expect((await app.ask(CANCEL, { id }, token())).data.cancelVideo.status).toBe("FAILED");
    const audited = await app.container.db.auditEntry.count({ where: { entityId: id, action: "cancelVideo" } });
    expect(audited).toBe(1);
  });

  it("is told what stands in the way of processing it again", async () => {
    const { id } = (
      await app.ask(
        'mutation ($courseId: ID!) { createVideo(input: { courseId: $courseId, title: "Empty" }) { id } }',
        { courseId: school.courseId },
        token(),
      )
    ).data.createVideo;
    expect(await app.refusal(RETRY, { id }, token())).toBe("NO_FILE");
    await app.container.db.video.update({ where: { id }, data: { status: "PROCESSING", sourceKey: "x" } });
    expect(await app.refusal(RETRY, { id }, token())).toBe("VIDEO_PROCESSING");
  });

  it("can process it again after it has failed", async () => {
    const unfit = path.join(clips.folder, "unfit.mp4");
    await writeFile(unfit, "This is not a video.");
    const { id, video } = await processed(unfit);
    expect(video.status).toBe("FAILED");
    await app.container.storage.put(`videos/${id}/source/test`, await aClip(clips.folder, "better.mp4"));
    await app.ask(RETRY, { id }, token());
    const again = await eventually("it is processed", () => isDone(id), WITHIN_MS);
    expect(again).toMatchObject({ status: "READY", error: null });
    expect(await readdir(runFolder(id, 2))).toContain("master.m3u8");
  });
});

describe("a worker that is killed while it transcodes", () => {
  it("takes ffmpeg with it, and the next one starts again and leaves no rubbish", async () => {
    const temporary = await mkdtemp(path.join(os.tmpdir(), "lectern-killed-"));
    const folder = path.join(temporary, "stored");
    const site = await openSite({ env: { STORAGE_DIR: folder, TMPDIR: temporary } });
    try {
      const own = await aSchool(site.container);
      const id = await aVideoWithFile(site, own, await aLongClip());
      await site.container.services.processing.retry(own.teacher.actor, id);
      const first = await site.start("worker");
      const sizes = () => site.container.db.videoRendition.findMany({ where: { videoId: id } });
      await eventually(
        "a size is half done",
        async () => (await sizes()).some(({ percent }) => percent > 0 && percent < 100),
        WITHIN_MS,
      );
      await first.kill();
      await eventually("its ffmpeg is gone", async () => (await ffmpegsIn(temporary)).length === 0);
      expect((await readdir(temporary)).filter((name) => name.startsWith("lectern-video-"))).toHaveLength(1);

      await site.start("worker", first);
      const video = await eventually(
        "the video is processed",
        () => site.container.db.video.findFirst({ where: { id, status: { in: ["READY", "FAILED"] } } }),
        200_000,
      );
      expect([video.status, video.run]).toEqual(["READY", 1]);
      await eventually(
        "no work folder is left",
        async () => !(await readdir(temporary)).some((name) => name.startsWith("lectern-video-")),
      );
      for (const { height } of await sizes()) {
        const { playlist, files } = await rendition(path.join(folder, "videos", id, "runs", "1"), height);
        expect(files).toEqual(["index.m3u8", "init.mp4", ...playlist.segments.map(({ uri }) => uri)]);
      }
      expect(await site.container.db.outboxJob.count({ where: { name: "assembleVideo" } })).toBe(1);
    } finally {
      await site.close();
      await rm(temporary, { recursive: true, force: true });
    }
  });
});

describe("a fault in the making of one size", () => {
  it("lets that size be made again, and no other", async () => {
    const file = await aClip(clips.folder, "two-sizes.mp4", { size: "854x480" });
    const { storage } = worker.container;
    const put = storage.put;
    let faults = 0;
    storage.put = async (key, from) => {
      if (key.endsWith("360p/init.mp4") && faults++ === 0) throw new Error("the disk is full");
      return put(key, from);
    };
    try {
      const { id, video } = await processed(file);
      expect(video).toMatchObject({ status: "READY", error: null });
      const { jobIds } = await app.container.db.video.findUniqueOrThrow({ where: { id } });
      const tries = await app.container.queues.use("transcode", async (queue) => {
        const jobs = await Promise.all(jobIds.map((jobId) => queue.getJob(jobId)));
        return jobs.flatMap((job) =>
          job ? [`${job.name} ${job.data.payload.height ?? ""}: ${job.attemptsMade}`] : [],
        );
      });
      expect(tries).toEqual([
        ...["probeVideo : 1", "makePreviews : 1", "transcodeRendition 360: 2", "transcodeRendition 480: 1"],
      ]);
    } finally {
      storage.put = put;
    }
  });
});

describe("a student", () => {
  it("sees the video that is ready and nothing of how it was made", async () => {
    const { id } = await processed(await aClip(clips.folder, "shown.mp4"));
    await aLesson(app.container, school, await aSection(app.container, school), { videoId: id });
    const { data } = await app.ask(SHOW, { id }, school.students[0]!.token);
    expect(data.video).toMatchObject({ status: "READY", processingPercent: null, processingJobs: null, error: null });
  });
});

describe("a machine without ffmpeg", () => {
  it("says so once, fails the video with the remedy, and does its other jobs", async () => {
    const empty = await mkdtemp(path.join(os.tmpdir(), "lectern-no-ffmpeg-"));
    const site = await openSite({ env: { STORAGE_DIR: path.join(empty, "stored"), PATH: empty } });
    try {
      const own = await aSchool(site.container);
      const id = await aVideoWithFile(site, own, await aClip(clips.folder, "fine.mp4"));
      await site.container.services.processing.retry(own.teacher.actor, id);
      const program = await site.start("worker");
      const video = await eventually(
        "the video has failed",
        () => site.container.db.video.findFirst({ where: { id, status: "FAILED" } }),
        60_000,
      );
      expect(video.error).toBe(FFMPEG_MISSING);
      expect(program.isRunning).toBe(true);
      const warnings = program
        .output()
        .split("\n")
        .filter((line) => line.includes(`"msg":"${FFMPEG_MISSING}`));
      expect(warnings).toHaveLength(1);
    } finally {
      await site.close();
      await rm(empty, { recursive: true, force: true });
    }
  });
});

describe("ffmpeg", () => {
  it("is kept to the cores it is given", async () => {
    const file = await aLongClip();
    const folder = await mkdtemp(path.join(os.tmpdir(), "lectern-cores-"));
    const limited = createFfmpeg({ searchPath: process.env.PATH!, threads: 1, log: silent });
    const stop = new AbortController();
    const facts = await limited.probe(file, stop.signal);
    const rung = { width: 640, height: 360, videoBits: 800_000 };
    const work = limited.transcode(file, { facts, rung, folder, maxSeconds: 60 }, stop.signal, () => {});
    const ended = expect(work).rejects.toThrow("enough");
    const [pid] = await eventually("it runs", async () => {
      const pids = await ffmpegsIn(folder);
      return pids.length > 0 ? pids : null;
    });
    const status = await readFile(`/proc/${pid}/status`, "utf8");
    expect(/^Cpus_allowed_list:\s*(\S+)/m.exec(status)![1]).toMatch(/^\d+$/);
    const limits = await readFile(`/proc/${pid}/limits`, "utf8");
    for (const name of ["Max cpu time", "Max file size", "Max address space"])
      expect(limits).toMatch(new RegExp(`^${name}\\s+\\d+`, "m"));
    stop.abort(new Error("enough"));
    await ended;
    expect(await ffmpegsIn(folder)).toEqual([]);
    await rm(folder, { recursive: true, force: true });
  });
});
