import DataLoader from "dataloader";

const MAX_BATCH = 200;

/**
 * Loads together what is asked for one by one in the same moment, as the rows of a list do. Remembers nothing: that is
 * the cache's part, whose misses come here.
 * @param load gives the things in the order of their ids
 */
export function batched<Id, Thing>(load: (ids: readonly Id[]) => Promise<Thing[]>): (id: Id) => Promise<Thing> {
  const loader = new DataLoader<Id, Thing>(load, {
    cache: false,
    maxBatchSize: MAX_BATCH,
    // After the sockets that are ready have been read: the misses of a list come back from Redis together.
    batchScheduleFn: (send) => void setImmediate(send),
  });
  return (id) => loader.load(id);
}
