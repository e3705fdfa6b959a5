import type { QueueDeclaration, Schedule } from "./defineQueue.ts";
import { scheduledJobOptions } from "./defineQueue.ts";
import type { OpenQueues } from "./openQueues.ts";

/**
 * Makes the queue's schedules in Redis what the declaration says; one that is no longer declared is removed.
 * Safe to repeat; an unchanged schedule keeps its rhythm.
 */
export async function putSchedules(queues: OpenQueues, declaration: QueueDeclaration): Promise<void> {
  const schedules = declaration.schedules ?? [];
  await queues.use(declaration.name, async (queue) => {
    for (const schedule of schedules) {
      await queue.upsertJobScheduler(schedule.job, rhythm(schedule), {
        name: schedule.job,
        data: { payload: {} },
        opts: scheduledJobOptions,
      });
    }
    for (const { key } of await queue.getJobSchedulers()) {
      if (!schedules.some(({ job }) => job === key)) await queue.removeJobScheduler(key);
    }
  });
}

/** Puts back schedules that Redis has lost, without touching those that are there. Safe to repeat. */
export async function restoreSchedules(queues: OpenQueues, declaration: QueueDeclaration): Promise<void> {
  const count = declaration.schedules?.length ?? 0;
  if (count === 0) return;
  const present = await queues.use(declaration.name, (queue) => queue.getJobSchedulersCount());
  if (present < count) await putSchedules(queues, declaration);
}

const rhythm = (schedule: Schedule) =>
  "everyMs" in schedule ? { every: schedule.everyMs } : { pattern: schedule.cron, tz: "UTC" };
