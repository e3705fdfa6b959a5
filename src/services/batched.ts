import DataLoader from "dataloader";
import { isOutage } from "./outage.ts";

const MAX_BATCH = 200;

/**
 * Loads together what is asked for one by one in the same moment, as the rows of a list do. Remembers nothing: that is
 * the cache's part, whose misses come here.
 * @param load gives the things in the order of their ids
 */
export function batched<Id, Thing>(
  load: (ids: readonly Id[]) => Promise<(Thing | Error)[]>,
): (id: Id) => Promise<Thing> {
  const loader = new DataLoader<Id, Thing>(load, {
    cache: false,
    maxBatchSize: MAX_BATCH,
    // After the sockets that are ready have been read: the misses of a list come back from Redis together.
    batchScheduleFn: (send) => void setImmediate(send),
  });
  return (id) => loader.load(id);
}

/**
 * The same for writes: what comes in the same moment goes in one statement and one commit. A row that the database cannot take
 * fails alone.
 * @param write all of its rows or, when it throws, none; gives the outcomes in the order of the rows
 */
export function batchedWrites<Row, Outcome>(
  write: (rows: readonly Row[]) => Promise<Outcome[]>,
): (row: Row) => Promise<Outcome> {
  const alone = async (row: Row): Promise<Outcome> => (await write([row]))[0]!;
  return batched<Row, Outcome>(async (rows) => {
    try {
      return await write(rows);
    } catch (error) {
      if (rows.length === 1 || isOutage(error)) throw error;
      return Promise.all(rows.map((row) => alone(row).catch((own: Error) => own)));
    }
  });
}
