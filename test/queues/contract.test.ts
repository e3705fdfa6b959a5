import { describe, expect, it } from "@jest/globals";
import { type BackoffOptions, Backoffs } from "bullmq";
import { z } from "zod";
import { allQueues } from "../../src/queues/allQueues.ts";
import { defineQueue, jobOptions } from "../../src/queues/defineQueue.ts";
import { allWorkers } from "../../src/workers/allWorkers.ts";

const nobody = new Proxy({}, { get: () => async () => 0 });
const workers = allWorkers(new Proxy({} as Parameters<typeof allWorkers>[0], { get: () => nobody }));

describe("every queue", () => {
  it("is on the list once and has a worker", () => {
    const names = allQueues.map((queue) => queue.name);
    expect(new Set(names).size).toBe(names.length);
    expect(workers.map((worker) => worker.queue.name).sort()).toEqual([...names].sort());
  });

  it.each(allQueues.map((queue) => [queue.name, queue] as const))(
    "%s has a name and a concurrency BullMQ takes",
    (name, queue) => {
      expect(name).toMatch(/^[a-z][a-z-]*$/);
      expect(name).not.toBe("dead");
      expect(queue.concurrency).toBeGreaterThan(0);
    },
  );

  it.each(workers.map((worker) => [worker.queue.name, worker] as const))(
    "%s has a handler for every job and no other",
    (_name, worker) => {
      expect(Object.keys(worker.handlers).sort()).toEqual(Object.keys(worker.queue.jobs).sort());
    },
  );
});

const jobs = allQueues.flatMap((queue) =>
  Object.entries(queue.jobs).map(([name, contract]) => ({ queue, name, contract })),
);

describe("every job", () => {
  it.each(jobs.map((job) => [`${job.queue.name}.${job.name}`, job] as const))(
    "%s refuses junk",
    (_title, { contract }) => {
      for (const junk of [undefined, null, "junk", 7, [], [{}]]) {
        expect(contract.payload.safeParse(junk).success).toBe(false);
      }
      const isEmpty = contract.payload.safeParse({}).success;
      if (!isEmpty) expect(contract.payload.safeParse({ attemptId: "junk" }).success).toBe(false);
    },
  );

  it("is tried after 2, 4 and 8 seconds when nothing else is declared", () => {
    const { attempts, backoff } = jobOptions(
      defineQueue({ name: "q", concurrency: 1, jobs: { plain: { payload: z.any() } } }),
      "plain",
    );
    expect(attempts).toBe(4);
    const pauses = [1, 2, 3].map((failed) => Backoffs.calculate(backoff as BackoffOptions, failed, new Error(), null!));
    expect(pauses).toEqual([2_000, 4_000, 8_000]);
  });
});

const schedules = allQueues.flatMap((queue) => (queue.schedules ?? []).map((schedule) => ({ queue, schedule })));

describe("every schedule", () => {
  it.each(schedules.map((each) => [`${each.queue.name}.${each.schedule.job}`, each] as const))(
    "%s starts a declared job that needs no payload",
    (_title, { queue, schedule }) => {
      expect(queue.jobs[schedule.job]?.payload.safeParse({}).success).toBe(true);
    },
  );
});
