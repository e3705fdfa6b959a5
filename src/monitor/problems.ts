import { isAway, type QueueFigures, type RedisFigures, type Snapshot } from "./snapshot.ts";

export interface Problem {
  /** Critical: jobs are not done, or may be lost. */
  severity: "warning" | "critical";
  sentence: string;
}

/** A minute of waiting is not a rush any more. */
const longWaitSeconds = 60;

const warning = (sentence: string): Problem => ({ severity: "warning", sentence });
const critical = (sentence: string): Problem => ({ severity: "critical", sentence });

/** What an operator should look at, the worst first; empty when all is well. */
export function ratedProblemsOf({ queues, outbox, redis, schedules }: Snapshot): Problem[] {
  const problems = isAway(redis) ? [critical(`Redis is away: ${redis.away}`)] : redisProblems(redis);
  if (isAway(outbox)) problems.push(critical(`PostgreSQL is away: ${outbox.away}`));
  else if ((outbox.oldestSeconds ?? 0) > longWaitSeconds) {
    problems.push(warning(`Jobs wait in the outbox for ${outbox.oldestSeconds} s: no worker hands them over.`));
  }
  // That Redis is away is said; what else could not be read is new.
  if (isAway(queues)) problems.push(...(isAway(redis) ? [] : [critical(`The queues cannot be read: ${queues.away}`)]));
  else problems.push(...queues.flatMap(queueProblems));
  if (!isAway(schedules)) {
    for (const { queue, job, nextAt, isLate } of schedules) {
      if (isLate)
        problems.push(warning(`${queue}: ${job} is late, ${nextAt ? `due since ${nextAt}` : "not scheduled"}.`));
    }
  }
  return problems.sort((a, b) => (a.severity === b.severity ? 0 : a.severity === "critical" ? -1 : 1));
}

function redisProblems(redis: RedisFigures): Problem[] {
  const problems: Problem[] = [];
  if (redis.appendOnly === "failing") problems.push(critical("Redis cannot write its append-only file."));
  if (redis.appendOnly === "off") problems.push(warning("Redis forgets jobs when it restarts: appendonly is off."));
  if (redis.maxMemoryPolicy !== "noeviction") {
    problems.push(warning(`Redis may throw jobs away: maxmemory-policy is ${redis.maxMemoryPolicy}, not noeviction.`));
  }
  if (redis.maxMemoryBytes && redis.usedMemoryBytes > 0.9 * redis.maxMemoryBytes) {
    problems.push(warning("Redis has used more than 90 % of its memory."));
  }
  return problems;
}

function queueProblems(queue: QueueFigures): Problem[] {
  const problems: Problem[] = [];
  if (queue.workers === 0) problems.push(critical(`${queue.name}: no workers.`));
  if (queue.isPaused) problems.push(warning(`${queue.name}: paused.`));
  if (queue.dead > 0) problems.push(warning(`${queue.name}: ${queue.dead} dead, to be retried or discarded.`));
  if (queue.stalledPerMinute > 0)
    problems.push(warning(`${queue.name}: jobs lost their worker in the last five minutes.`));
  if ((queue.oldestWaitingSeconds ?? 0) > longWaitSeconds) {
    problems.push(warning(`${queue.name}: a job waits for ${queue.oldestWaitingSeconds} s.`));
  }
  return problems;
}

/** {@link ratedProblemsOf}, in words alone. */
export const problemsOf = (snapshot: Snapshot): string[] => ratedProblemsOf(snapshot).map(({ sentence }) => sentence);

/** For monitors that look at exit codes, as Nagios counts: 0 all is well, 1 something to look at, 2 something critical. */
export function exitCodeOf(snapshot: Snapshot): 0 | 1 | 2 {
  const problems = ratedProblemsOf(snapshot);
  return problems.some(({ severity }) => severity === "critical") ? 2 : problems.length > 0 ? 1 : 0;
}
