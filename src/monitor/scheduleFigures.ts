import type { Redis } from "ioredis";
import type { QueueDeclaration, Schedule } from "../queues/defineQueue.ts";
import { lastRunField, lastRunsKey } from "../queues/jobTimes.ts";
import type { OpenQueues } from "../queues/openQueues.ts";
import type { ScheduleFigures } from "./snapshot.ts";

/** What any deployment or busy minute may cost. */
const patienceMs = 120_000;

/** Every declared schedule as it stands in Redis. @throws QueuesUnavailable */
export async function readSchedules({
  queues,
  redis,
  declarations,
  now,
}: {
  queues: OpenQueues;
  redis: Redis;
  declarations: readonly QueueDeclaration[];
  now: Date;
}): Promise<ScheduleFigures[]> {
  queues.checkConnected();
  const lastRuns = await redis.hgetall(lastRunsKey(queues.prefix));
  const scheduled = declarations.filter(({ schedules }) => schedules?.length);
  const figures = await Promise.all(
    scheduled.map(async ({ name, schedules = [] }) => {
      const present = await queues.use(name, (queue) => queue.getJobSchedulers());
      return schedules.map((schedule) => {
        const next = present.find(({ key }) => key === schedule.job)?.next ?? null;
        const lastRun = lastRuns[lastRunField(name, schedule.job)];
        return {
          queue: name,
          job: schedule.job,
          everyMs: "everyMs" in schedule ? schedule.everyMs : null,
          cron: "cron" in schedule ? schedule.cron : null,
          nextAt: next === null ? null : new Date(next).toISOString(),
          lastFinishedAt: lastRun === undefined ? null : new Date(Number(lastRun)).toISOString(),
          isLate: next === null || now.getTime() - next > allowedMs(schedule),
        };
      });
    }),
  );
  return figures.flat();
}

/** How long after its time a run may start: two of its intervals, but two minutes at least. */
const allowedMs = (schedule: Schedule) => Math.max(patienceMs, "everyMs" in schedule ? 2 * schedule.everyMs : 0);
