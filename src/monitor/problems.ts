import { isAway, type Snapshot } from "./snapshot.ts";

/** A minute of waiting is not a rush any more. */
const longWaitSeconds = 60;

/** What an operator should look at, a sentence each; empty when all is well. */
export function problemsOf({ queues, outbox, redis }: Snapshot): string[] {
  const problems: string[] = [];
  if (isAway(redis)) problems.push(`Redis is away: ${redis.away}`);
  else {
    if (redis.maxMemoryPolicy !== "noeviction") {
      problems.push(`Redis may throw jobs away: maxmemory-policy is ${redis.maxMemoryPolicy}, not noeviction.`);
    }
    if (redis.appendOnly === "off") problems.push("Redis forgets jobs when it restarts: appendonly is off.");
    if (redis.appendOnly === "failing") problems.push("Redis cannot write its append-only file.");
    if (redis.maxMemoryBytes && redis.usedMemoryBytes > 0.9 * redis.maxMemoryBytes) {
      problems.push("Redis has used more than 90 % of its memory.");
    }
  }
  if (isAway(outbox)) problems.push(`PostgreSQL is away: ${outbox.away}`);
  else if ((outbox.oldestSeconds ?? 0) > longWaitSeconds) {
    problems.push(`Jobs wait in the outbox for ${outbox.oldestSeconds} s: no worker hands them over.`);
  }
  if (!isAway(queues)) {
    for (const queue of queues) {
      if (queue.workers === 0) problems.push(`${queue.name}: no workers.`);
      if (queue.isPaused) problems.push(`${queue.name}: paused.`);
      if (queue.dead > 0) problems.push(`${queue.name}: ${queue.dead} dead, to be retried or discarded.`);
      if ((queue.oldestWaitingSeconds ?? 0) > longWaitSeconds) {
        problems.push(`${queue.name}: a job waits for ${queue.oldestWaitingSeconds} s.`);
      }
    }
  }
  return problems;
}

/** For monitors that look at exit codes: 0 all is well, 1 something to look at, 2 Redis or PostgreSQL away. */
export function exitCodeOf(snapshot: Snapshot): 0 | 1 | 2 {
  if (isAway(snapshot.redis) || isAway(snapshot.outbox) || isAway(snapshot.queues)) return 2;
  return problemsOf(snapshot).length > 0 ? 1 : 0;
}
