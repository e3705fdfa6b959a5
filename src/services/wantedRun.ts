import { setTimeout as sleep } from "node:timers/promises";
import type { Db, Transaction } from "../../prisma/client.ts";
import type { Video } from "../generated/prisma/client.ts";
import type { Events } from "../redis/pubsub.ts";
import type { Logger } from "../utils/logger.ts";

/** One processing of a video. */
export interface Run {
  videoId: string;
  run: number;
}

/** Why work on a run ended before it was done: it was cancelled, has failed elsewhere, or the video is gone. */
export class NoLongerWanted extends Error {
  override name = "NoLongerWanted";
}

/** With the kill that follows, a cancelled job ends within three seconds even where the event was lost. */
const LOOK_EVERY_MS = 1_500;

/** By then whatever still ran for a processing that was ended has noticed, and its files can be removed. */
export const REMOVE_RUN_AFTER_MS = 60_000;

const wantedWhere = ({ videoId, run }: Run) => ({ id: videoId, run, status: "PROCESSING" }) as const;

/** The video while this run of it is to be done, else null. */
export const wantedVideo = (db: Db, run: Run): Promise<Video | null> => db.video.findFirst({ where: wantedWhere(run) });

/** Holds the video until the transaction ends; false when the run is not to be done any more. */
export async function lockWanted(tx: Transaction, { videoId, run }: Run): Promise<boolean> {
  const rows = await tx.$queryRaw<unknown[]>`
    SELECT id FROM videos WHERE id = ${videoId}::uuid AND run = ${run} AND status = 'PROCESSING' FOR NO KEY UPDATE`;
  return rows.length > 0;
}

/**
 * Does the work with a signal that is aborted as soon as the run is not wanted any more, whichever process was told so.
 * @throws NoLongerWanted
 */
export async function whileWanted(
  { db, events, log }: { db: Db; events: Events; log: Logger },
  run: Run,
  jobSignal: AbortSignal,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const unwanted = new AbortController();
  const done = new AbortController();
  const stream = events.subscribe("videoCancelled", run.videoId);

  async function listen(): Promise<void> {
    for await (const cancelled of stream)
      if ((cancelled.run ?? run.run) === run.run) unwanted.abort(new NoLongerWanted());
  }

  /** An event is lost while Redis is away, and a video that was deleted or has failed sends none of this kind. */
  async function look(): Promise<void> {
    while (!done.signal.aborted) {
      try {
        if (!(await wantedVideo(db, run))) unwanted.abort(new NoLongerWanted());
      } catch (error) {
        log.debug({ err: error }, "could not look whether the video is still to be processed"); // asked again right away
      }
      await sleep(LOOK_EVERY_MS, undefined, { signal: done.signal }).catch(() => {}); // aborted means done
    }
  }

  const watching = Promise.all([listen(), look()]);
  try {
    await work(AbortSignal.any([jobSignal, unwanted.signal]));
  } finally {
    done.abort();
    await stream.return();
    await watching;
  }
}
