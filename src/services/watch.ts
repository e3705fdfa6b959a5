import type { EventStream } from "../redis/pubsub.ts";

/**
 * What `look` finds now, and again at every event of the stream; ends after a finding that is `last`, and when looking fails.
 * By hand and not as a generator: a generator that waits for its next event cannot be ended before that event comes,
 * and would go on listening for a client that has left.
 */
export function watch<Found>(
  stream: EventStream<unknown>,
  look: () => Promise<Found>,
  isLast: (found: Found) => boolean = () => false,
): AsyncIterableIterator<Found> {
  let isFirst = true;

  async function next(): Promise<IteratorResult<Found>> {
    try {
      if (isFirst) {
        isFirst = false;
        await stream.ready; // before the first look, so that no change falls between
      } else if ((await stream.next()).done) return { value: undefined, done: true };
      const value = await look();
      if (isLast(value)) await stream.return();
      return { value, done: false };
    } catch (error) {
      await stream.return();
      throw error;
    }
  }

  return {
    next,
    async return() {
      isFirst = false;
      await stream.return();
      return { value: undefined, done: true };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
