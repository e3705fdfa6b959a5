import { mkdir, readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { buffer } from "node:stream/consumers";
import type { Db, Transaction } from "../../prisma/client.ts";
import { DomainError, unprocessable } from "../domain/errors.ts";
import { AUDIO_BITS, ladderFor } from "../domain/video/ladder.ts";
import { codecsOf, masterPlaylist, readMediaPlaylist, renditionFolder } from "../domain/video/playlists.ts";
import { requireLength } from "../domain/video/sourceFacts.ts";
import { spriteSheets, spriteVtt } from "../domain/video/spriteSheet.ts";
import type { Ffmpeg } from "../ffmpeg/ffmpeg.ts";
import { ProgramFailed, TookTooLong } from "../ffmpeg/limitedProcess.ts";
import type { Video } from "../generated/prisma/client.ts";
import type { JobContext } from "../queues/jobContext.ts";
import type { Outbox } from "../queues/outbox.ts";
import { transcodeQueue } from "../queues/transcode.queue.ts";
import { videoQueue } from "../queues/video.queue.ts";
import type { Events } from "../redis/pubsub.ts";
import type { Storage } from "../storage/storage.ts";
import { STORAGE_KEYS } from "../storage/storageKeys.ts";
import type { VideoAccess } from "./videoAccess.ts";
import { lockWanted, NoLongerWanted, REMOVE_RUN_AFTER_MS, type Run, wantedVideo, whileWanted } from "./wantedRun.ts";
import type { WorkFolders } from "./workFolders.ts";

type Job = Pick<JobContext, "jobId" | "log" | "signal" | "isLastTry" | "progress">;

const TELL_EVERY_MS = 1_000;
const UPLOADS_AT_ONCE = 4;
const DAMAGED = "The file cannot be read to its end: it may be damaged. Upload it again.";
const TOO_SLOW = "The processing took too long: the machine has too much else to do. Try it again later.";
const FAULT = "The video could not be processed because of an internal error. Try it again.";

export type ProcessingSteps = ReturnType<typeof createProcessingSteps>;

/**
 * What the jobs of a processing do, each safe to repeat: a run writes only under its own prefix, every end is written in a
 * transaction that looks whether the run is still wanted, and what is written down as done is not done again.
 */
export function createProcessingSteps({
  db,
  storage,
  ffmpeg,
  workFolders,
  outbox,
  events,
  videoAccess,
  maxMinutes,
  clock,
}: {
  db: Db;
  storage: Storage;
  ffmpeg: Ffmpeg;
  workFolders: WorkFolders;
  outbox: Outbox;
  events: Events;
  videoAccess: VideoAccess;
  maxMinutes: number;
  clock: () => Date;
}) {
  const maxSeconds = maxMinutes * 60;

  /** Runs a part of a processing while that is wanted; the last failure is written on the video, for people to read. */
  async function step(run: Run, job: Job, work: (video: Video, signal: AbortSignal) => Promise<void>): Promise<void> {
    const video = await wantedVideo(db, run);
    if (!video) return;
    try {
      await whileWanted({ db, events, log: job.log }, run, job.signal, (signal) => work(video, signal));
    } catch (error) {
      if (error instanceof NoLongerWanted) return removeUnlessReady(run);
      if (job.signal.aborted) throw error; // this process stops or has lost the job: no fault of the video
      const isRefusal = error instanceof DomainError && error.code !== "SERVICE_UNAVAILABLE";
      if (isRefusal || job.isLastTry) await fail(run, sentenceFor(error));
      throw error;
    }
  }

  /** What was written after the run was ended; a run that another worker has made ready meanwhile stays. */
  async function removeUnlessReady(run: Run): Promise<void> {
    const ready = await db.video.count({ where: { id: run.videoId, run: run.run, status: "READY" } });
    if (ready === 0) await storage.removeAll(STORAGE_KEYS.RUN(run.videoId, run.run));
  }

  async function tell(videoId: string): Promise<void> {
    await videoAccess.drop(videoId);
    await events.publish("videoChanged", { videoId });
  }

  async function fail(run: Run, error: string): Promise<void> {
    await db.$transaction(async (tx) => {
      if (!(await lockWanted(tx, run))) return;
      await tx.video.update({ where: { id: run.videoId }, data: { status: "FAILED", error } });
      const runAt = new Date(clock().getTime() + REMOVE_RUN_AFTER_MS);
      await outbox.add(tx, videoQueue, "removeRun", run, { runAt });
    });
    outbox.handOver();
    await tell(run.videoId);
  }

  /** Who asked for the processing may follow the jobs that follow. */
  async function asker(tx: Transaction, { jobId }: Job): Promise<{ ownerId?: string; requestId?: string }> {
    const row = await tx.outboxJob.findUnique({ where: { id: jobId }, select: { ownerId: true, requestId: true } });
    return { ownerId: row?.ownerId ?? undefined, requestId: row?.requestId ?? undefined };
  }

  /** The video is locked, so of all that end at the same time one finds that nothing is left. */
  async function assembleIfAllDone(tx: Transaction, run: Run, job: Job): Promise<void> {
    const left = await tx.videoRendition.count({ where: { ...run, doneAt: null } });
    const { previewsRun } = await tx.video.findUniqueOrThrow({ where: { id: run.videoId } });
    if (left > 0 || previewsRun !== run.run) return;
    const jobId = await outbox.add(tx, videoQueue, "assembleVideo", run, await asker(tx, job));
    await tx.video.update({ where: { id: run.videoId }, data: { jobIds: { push: jobId } } });
  }

  const withSource = (video: Video, signal: AbortSignal, work: (file: string, folder: string) => Promise<void>) =>
    workFolders.within(async (folder) => {
      const file = path.join(folder, "source");
      if (!video.sourceKey || !(await storage.copyToFile(video.sourceKey, file)))
        throw unprocessable("NO_FILE", "The file is not in the storage any more. Upload it again.");
      signal.throwIfAborted();
      const output = path.join(folder, "made");
      await mkdir(output);
      await work(file, output);
    });

  async function putAll(prefix: string, folder: string, signal: AbortSignal): Promise<void> {
    const files = await readdir(folder);
    const putNext = async (): Promise<void> => {
      for (let file = files.pop(); file; file = files.pop()) {
        signal.throwIfAborted();
        await storage.put(prefix + file, path.join(folder, file));
      }
    };
    await Promise.all(Array.from({ length: UPLOADS_AT_ONCE }, putNext));
  }

  /** Tells the job, the video and whoever listens how far a size has come, once a second at most. */
  function createReporter(run: Run, height: number, durationSeconds: number, job: Job) {
    let last = performance.now();
    let told = 0;
    let telling: Promise<void> | undefined;

    async function report(percent: number): Promise<void> {
      try {
        await job.progress(percent);
        await db.videoRendition.updateMany({ where: { ...run, height, doneAt: null }, data: { percent } });
        await events.publish("videoChanged", { videoId: run.videoId });
      } catch (error) {
        job.log.debug({ err: error }, "progress could not be told"); // the next second tells more
      } finally {
        telling = undefined;
      }
    }

    return {
      at(seconds: number): void {
        const percent = Math.min(99, Math.floor((seconds / durationSeconds) * 100));
        if (percent <= told || telling || performance.now() - last < TELL_EVERY_MS) return;
        last = performance.now();
        told = percent;
        telling = report(percent);
      },
      async end(): Promise<void> {
        await telling;
      },
    };
  }

  return {
    /**
     * Looks at the file, decides on the sizes and asks for each.
     * @throws UNPROCESSABLE (NOT_A_VIDEO) with the sentence that the video shows
     */
    probe: (run: Run, job: Job): Promise<void> =>
      step(run, job, async (begun, signal) => {
        await withSource(begun, signal, async (file) => {
          const facts = await ffmpeg.probe(file, signal);
          requireLength(facts.durationSeconds, maxMinutes);
          const rungs = ladderFor(facts);
          await db.$transaction(async (tx) => {
            if (!(await lockWanted(tx, run))) return;
            if ((await tx.videoRendition.count({ where: run })) > 0) return; // an earlier try has asked
            const sizes = rungs.map(({ width, height, videoBits }) => ({
              ...run,
              width,
              height,
              bitrate: videoBits + (facts.hasAudio ? AUDIO_BITS : 0),
            }));
            await tx.videoRendition.createMany({ data: sizes });
            const by = await asker(tx, job);
            // The smallest first: a fault in the file shows soonest there.
            const jobIds = [await outbox.add(tx, transcodeQueue, "makePreviews", run, by)];
            for (const { height } of rungs.toReversed())
              jobIds.push(await outbox.add(tx, transcodeQueue, "transcodeRendition", { ...run, height }, by));
            await tx.video.update({
              where: { id: run.videoId },
              data: {
                durationMs: Math.round(facts.durationSeconds * 1000),
                width: facts.width,
                height: facts.height,
                hasAudio: facts.hasAudio,
                jobIds: { push: jobIds },
              },
            });
          });
        });
        outbox.handOver();
        await tell(run.videoId);
      }),

    /** Makes one size. @throws UNPROCESSABLE (VIDEO_DAMAGED) when the file ends early */
    transcode: ({ height, ...run }: Run & { height: number }, job: Job): Promise<void> =>
      step(run, job, async (video, signal) => {
        const size = await db.videoRendition.findUnique({ where: { videoId_run_height: { ...run, height } } });
        if (!size || size.doneAt) return;
        let bitrate = 0;
        await withSource(video, signal, async (file, folder) => {
          const facts = await ffmpeg.probe(file, signal);
          const rung = ladderFor(facts).find((each) => each.height === height);
          if (!rung) throw new Error(`The source has no size of ${height} any more.`);
          const reporter = createReporter(run, height, facts.durationSeconds, job);
          await ffmpeg
            .transcode(file, { facts, rung, folder, maxSeconds }, signal, reporter.at)
            .finally(() => reporter.end());
          bitrate = await peakBitrate(folder, facts.durationSeconds);
          await putAll(`${STORAGE_KEYS.RUN(run.videoId, run.run)}${renditionFolder(height)}/`, folder, signal);
        });
        await db.$transaction(async (tx) => {
          if (!(await lockWanted(tx, run))) return;
          const { count } = await tx.videoRendition.updateMany({
            where: { ...run, height, doneAt: null },
            data: { percent: 100, doneAt: clock(), bitrate },
          });
          if (count > 0) await assembleIfAllDone(tx, run, job);
        });
        outbox.handOver();
        await tell(run.videoId);
      }),

    /** Makes the poster, and the sheets of small pictures with the WebVTT that names them. */
    makePreviews: (run: Run, job: Job): Promise<void> =>
      step(run, job, async (video, signal) => {
        if (video.previewsRun === run.run) return;
        await withSource(video, signal, async (file, folder) => {
          const facts = await ffmpeg.probe(file, signal);
          const sheets = spriteSheets(facts);
          await ffmpeg.previews(file, { facts, sheets, folder }, signal);
          await putAll(STORAGE_KEYS.RUN(run.videoId, run.run), folder, signal);
          await storage.put(
            `${STORAGE_KEYS.RUN(run.videoId, run.run)}sprites.vtt`,
            Buffer.from(spriteVtt(sheets, facts.durationSeconds)),
          );
        });
        await db.$transaction(async (tx) => {
          if (!(await lockWanted(tx, run))) return;
          const { count } = await tx.video.updateMany({
            where: { id: run.videoId, OR: [{ previewsRun: null }, { previewsRun: { not: run.run } }] },
            data: { previewsRun: run.run },
          });
          if (count > 0) await assembleIfAllDone(tx, run, job);
        });
        outbox.handOver();
        await tell(run.videoId);
      }),

    /** Writes the master playlist over all sizes and declares the video ready. */
    assemble: (run: Run, job: Job): Promise<void> =>
      step(run, job, async (video) => {
        const sizes = await db.videoRendition.findMany({ where: run, orderBy: { height: "desc" } });
        const kept = async (height: number, file: string): Promise<Buffer> => {
          const key = `${STORAGE_KEYS.RUN(run.videoId, run.run)}${renditionFolder(height)}/${file}`;
          const found = await storage.read(key);
          if (!found) throw new Error(`${key} is not in the storage.`);
          return buffer(found.stream);
        };
        const variants = await Promise.all(
          sizes.map(async ({ width, height, bitrate }) => ({
            width,
            height,
            bitsPerSecond: bitrate,
            codecs: codecsOf(await kept(height, "init.mp4"), video.hasAudio ?? false),
          })),
        );
        const { segments } = readMediaPlaylist((await kept(sizes[0]!.height, "index.m3u8")).toString("utf8"));
        await storage.put(
          `${STORAGE_KEYS.RUN(run.videoId, run.run)}master.m3u8`,
          Buffer.from(masterPlaylist(variants)),
        );
        await db.video.updateMany({
          where: { id: run.videoId, run: run.run, status: "PROCESSING" },
          // As long as it plays: what the file claimed may differ by some frames.
          data: { status: "READY", error: null, readyAt: clock(), durationMs: Math.round(lengthOf(segments) * 1000) },
        });
        await tell(run.videoId);
      }),
  };
}

const lengthOf = (segments: readonly { seconds: number }[]): number =>
  segments.reduce((sum, { seconds }) => sum + seconds, 0);

/**
 * Bits per second of the segment that needs the most.
 * @throws UNPROCESSABLE (VIDEO_DAMAGED) when less came out than the file promised
 */
async function peakBitrate(folder: string, promisedSeconds: number): Promise<number> {
  const { segments, isComplete } = readMediaPlaylist(await readFile(path.join(folder, "index.m3u8"), "utf8"));
  const seconds = lengthOf(segments);
  if (!isComplete || seconds < promisedSeconds * 0.9 - 1)
    throw unprocessable(
      "VIDEO_DAMAGED",
      `Only ${Math.round(seconds)} of ${Math.round(promisedSeconds)} seconds can be read: the file is damaged or was cut off. Upload it again.`,
    );
  const rates = await Promise.all(
    // A last segment of a few frames says nothing about the line that is needed.
    segments.map(async (each) => ((await stat(path.join(folder, each.file))).size * 8) / Math.max(1, each.seconds)),
  );
  return Math.ceil(Math.max(...rates));
}

/** What people are told; the log has the rest. */
function sentenceFor(error: unknown): string {
  if (error instanceof DomainError) return error.message;
  if (error instanceof TookTooLong) return TOO_SLOW;
  return error instanceof ProgramFailed ? DAMAGED : FAULT;
}
