import { UnrecoverableError, Worker } from "bullmq";
import type { Container } from "../../../src/container.ts";
import type { DeadLetter } from "../../../src/queues/deadLetters.ts";
import { emailQueue } from "../../../src/queues/email.queue.ts";
import { createRedis } from "../../../src/redis/redis.ts";
import { createLogger } from "../../../src/utils/logger.ts";
import { eventually } from "../../support/eventually.ts";

/** A mail to this address that failed for good with this error. No worker may be running. */
export async function aDeadMail(
  { db, outbox, queues, deadLetters }: Container,
  { redisUrl, to, error }: { redisUrl: string; to: string; error: string },
): Promise<DeadLetter> {
  const { name } = emailQueue;
  const jobId = await outbox.add(db, emailQueue, "sendTemplate", { template: "verification", email: to });
  await queues.untilConnected(60_000);
  outbox.handOver();
  const redis = createRedis(redisUrl, {
    role: "worker",
    log: createLogger({ level: "silent", pretty: false, program: "test" }),
  });
  const worker = new Worker(name, null, { connection: redis, prefix: queues.prefix, skipVersionCheck: true });
  try {
    const job = await eventually("the mail is taken", () => worker.getNextJob("token", { block: false }), 60_000);
    await job.moveToFailed(new UnrecoverableError(error), "token");
    await deadLetters.collect();
    return (await deadLetters.list({ first: 1000 })).entries.find((entry) => entry.jobId === jobId)!;
  } finally {
    await worker.close();
    redis.disconnect();
  }
}
