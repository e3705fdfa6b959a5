import { uuidv7 } from "uuidv7";
import { createDb } from "../../../prisma/client.ts";
import type { Config } from "../../config.ts";
import { allQueues } from "../../queues/allQueues.ts";
import { createDeadLetters } from "../../queues/deadLetters.ts";
import { createListJobs } from "../../queues/listJobs.ts";
import { openQueues } from "../../queues/openQueues.ts";
import { createOutbox } from "../../queues/outbox.ts";
import { createQueueActs } from "../../queues/queueActs.ts";
import { createRedis } from "../../redis/redis.ts";
import { createOperationsService, type OperationsService } from "../../services/operations.service.ts";
import { createLogger } from "../../utils/logger.ts";

const connectWithinMs = 3_000;

/** The command line's own wiring: what acts need and nothing else, so that it runs where only the databases are known. */
export async function openOperations(
  config: Pick<Config, "DATABASE_URL" | "REDIS_URL" | "REDIS_PREFIX">,
  clock: () => Date,
): Promise<{ operations: OperationsService; close(): Promise<void> }> {
  // What goes wrong is told by the command itself; its output may be read by a program.
  const log = createLogger({ level: "silent", pretty: false, program: "monitor" });
  const db = createDb({ url: config.DATABASE_URL, poolMax: 2 });
  const redis = createRedis(config.REDIS_URL, { role: "queue", log });
  const queues = openQueues({ redis, prefix: config.REDIS_PREFIX });
  const outbox = createOutbox({ db, queues, log, clock, newId: uuidv7 });
  const deadLetters = createDeadLetters({ queues, outbox });
  const operations = createOperationsService({
    db,
    acts: createQueueActs({ db, queues, outbox, deadLetters }),
    listing: createListJobs({ db, queues }),
    deadLetters,
    queueNames: allQueues.map(({ name }) => name),
    newId: uuidv7,
  });
  await queues.untilConnected(connectWithinMs);
  return {
    operations,
    async close() {
      await outbox.close();
      await queues.close();
      redis.disconnect();
      await db.$disconnect();
    },
  };
}
