import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { STORAGE_KEYS } from "../../src/storage/storageKeys.ts";
import type { School } from "./school.ts";
import type { TestApp } from "./testApp.ts";

const run = promisify(execFile);

export const ffmpeg = (...args: string[]) => run("ffmpeg", ["-nostdin", "-y", "-loglevel", "error", ...args]);

/** A folder for the clips of one test file. */
export async function aClipFolder(): Promise<{ folder: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(path.join(os.tmpdir(), "lectern-clips-"));
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

export interface ClipWish {
  size?: string;
  seconds?: number;
  rate?: number;
  sound?: boolean;
  /** Further arguments for ffmpeg, before the file. */
  extra?: string[];
}

/** Makes a clip with a moving test picture; the ending of the name decides on the format. */
export async function aClip(
  folder: string,
  name: string,
  { size = "320x240", seconds = 2, rate = 25, sound = true, extra = [] }: ClipWish = {},
): Promise<string> {
  const file = path.join(folder, name);
  const picture = ["-f", "lavfi", "-i", `testsrc2=size=${size}:rate=${rate}:duration=${seconds}`];
  const tone = ["-f", "lavfi", "-i", `sine=frequency=440:sample_rate=44100:duration=${seconds}`];
  const codecs = name.endsWith(".webm") || name.endsWith(".mkv") ? [] : ["-preset", "ultrafast", "-pix_fmt", "yuv420p"];
  await ffmpeg(...picture, ...(sound ? tone : []), ...codecs, ...extra, file);
  return file;
}

/** ffprobe's report on a file. */
export async function probed(file: string, ...args: string[]) {
  const { stdout } = await run("ffprobe", [
    ...["-loglevel", "error", "-print_format", "json", "-show_streams", "-show_format", ...args, file],
  ]);
  return JSON.parse(stdout);
}

/** A video of the school's course whose file is there and is not processed yet. */
export async function aVideoWithFile({ container }: Pick<TestApp, "container">, school: School, file: string) {
  const { services, storage, db } = container;
  const { id } = await services.videos.create(school.teacher.actor, { courseId: school.courseId, title: "Lecture" });
  const sourceKey = STORAGE_KEYS.SOURCE(id, "test");
  await storage.put(sourceKey, file);
  await db.video.update({ where: { id }, data: { sourceKey } });
  return id;
}
