import os from "node:os";
import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Redis } from "ioredis";
import type { PoolFigures } from "../../prisma/client.ts";
import type { Logger } from "../utils/logger.ts";
import type { ProcessFigures } from "./snapshot.ts";

export type ProgramName = "server" | "worker" | "monitor";

const everyMs = 5_000;
/** Three beats missed: it is gone, or so busy that it might as well be. */
const expirySeconds = 15;
/** What is still named after this long has died without a word. */
const namedMs = 3_600_000;
const resolutionMs = 10;

const namesKey = (prefix: string) => `${prefix}:processes`;
const signsKey = (prefix: string, id: string) => `${prefix}:process:${id}`;

export interface VitalSigns {
  /** Says that the process is gone. Never rejects. Safe to repeat. */
  stop(): Promise<void>;
}

/** Writes every five seconds that this process lives and how it is. Never throws; an outage is said once. */
export function startVitalSigns({
  redis,
  prefix,
  program,
  id,
  pool,
  cache,
  clock,
  log,
}: {
  /** A connection of the role "queue": it fails rather than hangs. */
  redis: Redis;
  prefix: string;
  program: ProgramName;
  /** Unlike any other process's. */
  id: string;
  pool: () => PoolFigures;
  cache: () => { hits: number; misses: number };
  clock: () => Date;
  log: Logger;
}): VitalSigns {
  const startedAt = clock().toISOString();
  const delay = monitorEventLoopDelay({ resolution: resolutionMs });
  delay.enable();
  let isFailing = false;
  let beating = beat();
  const timer = setInterval(() => {
    beating = beat();
  }, everyMs);
  timer.unref();

  async function beat(): Promise<void> {
    const now = clock();
    const figures: ProcessFigures = {
      program,
      id,
      host: os.hostname(),
      pid: process.pid,
      startedAt,
      seenAt: now.toISOString(),
      eventLoopDelayP99Ms: Math.round(Math.max(0, delay.percentile(99) / 1e6 - resolutionMs) * 10) / 10, // it counts its own rhythm
      pool: pool(),
      cache: cache(),
    };
    delay.reset();
    await tell(
      redis
        .pipeline()
        .set(signsKey(prefix, id), JSON.stringify(figures), "EX", expirySeconds)
        .zadd(namesKey(prefix), now.getTime(), id)
        .zremrangebyscore(namesKey(prefix), "-inf", now.getTime() - namedMs),
    );
  }

  async function tell(batch: ReturnType<Redis["pipeline"]>): Promise<void> {
    try {
      for (const [error] of (await batch.exec()) ?? []) if (error) throw error;
      isFailing = false;
    } catch (error) {
      if (!isFailing) log.debug({ err: error }, "the process could not say how it is; tried again"); // the connection says more
      isFailing = true;
    }
  }

  return {
    async stop() {
      clearInterval(timer);
      delay.disable();
      await beating;
      await tell(redis.pipeline().del(signsKey(prefix, id)).zrem(namesKey(prefix), id));
    },
  };
}

/** The processes that live, by program and start. */
export async function readVitalSigns({ redis, prefix }: { redis: Redis; prefix: string }): Promise<ProcessFigures[]> {
  const ids = await redis.zrange(namesKey(prefix), "0", "-1");
  if (ids.length === 0) return [];
  const texts = await redis.mget(...ids.map((id) => signsKey(prefix, id)));
  const order = ({ program, startedAt, id }: ProcessFigures) => `${program} ${startedAt} ${id}`;
  return texts
    .flatMap((text) => (text === null ? [] : [JSON.parse(text) as ProcessFigures]))
    .sort((a, b) => (order(a) < order(b) ? -1 : 1));
}
