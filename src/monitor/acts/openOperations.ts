import { uuidv7 } from "uuidv7";
import { allQueues } from "../../queues/allQueues.ts";
import { createDeadLetters } from "../../queues/deadLetters.ts";
import { createListJobs } from "../../queues/listJobs.ts";
import { createOutbox } from "../../queues/outbox.ts";
import { createQueueActs } from "../../queues/queueActs.ts";
import { createOperationsService, type OperationsService } from "../../services/operations.service.ts";
import { createLogger } from "../../utils/logger.ts";
import type { Monitor } from "../mode.ts";

/** The command line's own wiring: what acts need and nothing else, so that it runs where only the databases are known. */
export function openOperations({ db, queues, clock }: Pick<Monitor, "db" | "queues" | "clock">): {
  operations: OperationsService;
  /** Hands over what was asked for. Leaves the connections open: they belong to whoever made them. */
  close(): Promise<void>;
} {
  // What goes wrong is told by the command itself; its output may be read by a program.
  const log = createLogger({ level: "silent", pretty: false, program: "monitor" });
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
  return { operations, close: outbox.close };
}
