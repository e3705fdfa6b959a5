import { Queue } from "bullmq";
import { type Redis, untilConnected } from "../redis/redis.ts";

/** Redis cannot be asked now; what was asked for may be tried again later. */
export class QueuesUnavailable extends Error {
  override name = "QueuesUnavailable";
}

export interface OpenQueues {
  /** First part of every queue's keys in Redis. */
  readonly prefix: string;
  /**
   * Runs `work` with the BullMQ queue of that name.
   * @throws QueuesUnavailable at once when Redis is not connected or goes away, and after the time limit when it does not answer.
   */
  use<Result>(name: string, work: (queue: Queue) => Promise<Result>): Promise<Result>;
  /** Waits for Redis to be connected, but no longer than this; for the first moments of a process. Never rejects. */
  untilConnected(limitMs: number): Promise<void>;
  /** @throws QueuesUnavailable when Redis is not connected now. */
  checkConnected(): void;
  /** Leaves the Redis connection open: it belongs to whoever made it. Safe to repeat. */
  close(): Promise<void>;
}

/** BullMQ's queues over one connection, opened when they are first used. */
export function openQueues({
  redis,
  prefix,
  answerWithinMs = 5_000,
}: {
  redis: Redis;
  prefix: string;
  answerWithinMs?: number;
}): OpenQueues {
  const open = new Map<string, Queue>();
  let closed = false;

  const queueNamed = (name: string): Queue => {
    const known = open.get(name);
    if (known) return known;
    const queue = new Queue(name, { connection: redis, prefix, skipVersionCheck: true });
    queue.on("error", () => {}); // the same error reaches the caller, and the connection logs its own
    open.set(name, queue);
    return queue;
  };

  const checkConnected = () => {
    if (closed) throw new QueuesUnavailable("The queues are closed.");
    if (redis.status !== "ready") throw new QueuesUnavailable(`There is no connection to Redis (${redis.status}).`);
  };

  return {
    prefix,
    checkConnected,
    untilConnected: (limitMs) => untilConnected(redis, limitMs),
    async use(name, work) {
      checkConnected(); // BullMQ would wait for the connection, for ever if need be
      try {
        return await withinMs(answerWithinMs, work(queueNamed(name)));
      } catch (error) {
        if (redis.status === "ready") throw error;
        throw new QueuesUnavailable("The connection to Redis was lost.", { cause: error });
      }
    },
    async close() {
      closed = true;
      const queues = [...open.values()];
      open.clear();
      await Promise.all(queues.map((queue) => queue.close()));
    },
  };
}

async function withinMs<Result>(limitMs: number, work: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new QueuesUnavailable(`Redis did not answer within ${limitMs} ms.`)), limitMs);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
