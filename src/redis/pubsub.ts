import type { Logger } from "../utils/logger.ts";
import type { Bus } from "./bus.ts";
import type { EventName, EventPayload } from "./eventTopics.ts";
import { EVENT_TOPICS } from "./eventTopics.ts";
import type { Redis } from "./redis.ts";

/** What a slow reader may be behind; older events give way, since a subscriber wants the newest state. */
const BUFFER = 100;

export interface EventStream<T> extends AsyncIterableIterator<T> {
  /** Resolves when everything published from now on arrives here. */
  ready: Promise<void>;
  /** Ends the stream, also for a reader that waits. Calling it twice is harmless. */
  return(): Promise<IteratorResult<T>>;
}

export interface Events {
  /**
   * Tells everybody who listens now, in any process. An event is a hint to look again: while Redis is away it is lost,
   * and that is no error.
   */
  publish<E extends EventName>(event: E, payload: EventPayload<E>): Promise<void>;
  /** Events about one thing, e.g. `subscribe("attemptChanged", attemptId)`. After an outage it goes on by itself. */
  subscribe<E extends EventName>(event: E, topic: string): EventStream<EventPayload<E>>;
  /** Ends all streams. */
  close(): Promise<void>;
}

/** Events between processes over Redis pub/sub. The connections stay the caller's to close. */
export function createEvents(deps: { redis: Redis; bus: Bus; prefix: string; log: Logger }): Events {
  const { redis, bus, prefix, log } = deps;
  const open = new Set<EventStream<unknown>>();
  const channelOf = (event: EventName, topic: string) => `${prefix}:events:${event}:${topic}`;

  return {
    async publish<E extends EventName>(event: E, payload: EventPayload<E>) {
      const topicOf = EVENT_TOPICS[event] as (payload: EventPayload<E>) => string;
      const channel = channelOf(event, topicOf(payload));
      try {
        await redis.publish(channel, JSON.stringify(payload));
      } catch (err) {
        log.debug({ event, err }, "an event was not published"); // the outage itself is logged by the connection
      }
    },
    subscribe<E extends EventName>(event: E, topic: string) {
      const stream = createStream<EventPayload<E>>((push, end) => {
        const subscription = bus.subscribe(channelOf(event, topic), (message) => push(JSON.parse(message)));
        return {
          ready: subscription.ready,
          stop() {
            subscription.close();
            open.delete(stream);
            end();
          },
        };
      });
      open.add(stream);
      return stream;
    },
    async close() {
      await Promise.all([...open].map((stream) => stream.return()));
    },
  };
}

function createStream<T>(
  start: (push: (event: T) => void, end: () => void) => { ready: Promise<void>; stop: () => void },
): EventStream<T> {
  const waiting: ((result: IteratorResult<T>) => void)[] = [];
  const buffer: T[] = [];
  let hasEnded = false;
  const done = { value: undefined, done: true } as const;

  const source = start(
    (event) => {
      const reader = waiting.shift();
      if (reader) return reader({ value: event, done: false });
      if (buffer.length === BUFFER) buffer.shift();
      buffer.push(event);
    },
    () => {
      hasEnded = true;
      buffer.length = 0;
      for (const reader of waiting.splice(0)) reader(done);
    },
  );

  return {
    ready: source.ready,
    next() {
      if (hasEnded) return Promise.resolve(done);
      const value = buffer.shift();
      if (value !== undefined) return Promise.resolve({ value, done: false });
      return new Promise((resolve) => waiting.push(resolve));
    },
    return() {
      if (!hasEnded) source.stop();
      return Promise.resolve(done);
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
