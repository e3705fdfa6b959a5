import type { Logger } from "../utils/logger.ts";
import type { Redis } from "./redis.ts";

type Listener = (message: string) => void;

interface Channel {
  listeners: Set<Listener>;
  confirmed: Promise<void>;
  confirm: () => void;
}

export interface BusSubscription {
  /** Resolves when the server has confirmed: from then on nothing is missed while the bus stays connected. */
  ready: Promise<void>;
  /** Stops listening. Calling it twice is harmless. */
  close: () => void;
}

export interface Bus {
  /** Whether every message published now arrives. */
  readonly isConnected: boolean;
  /** Listens to a channel; the server is asked once per channel, however many listen. Survives outages. */
  subscribe(channel: string, listener: Listener): BusSubscription;
  /** Tells when the bus is lost (messages are missed from here on) and when all channels are subscribed again. */
  onConnection(listener: (isConnected: boolean) => void): void;
}

/** Shares one subscriber connection among everyone who listens to Redis. The connection stays the caller's to close. */
export function createBus({ subscriber, log }: { subscriber: Redis; log: Logger }): Bus {
  const channels = new Map<string, Channel>();
  const watchers: ((isConnected: boolean) => void)[] = [];
  let isConnected = false;
  let connection = 0;

  subscriber.on("message", (name: string, message: string) => {
    for (const listener of channels.get(name)?.listeners ?? []) listener(message);
  });
  subscriber.on("ready", () => void subscribeAll());
  subscriber.on("close", () => {
    connection++;
    tell(false);
  });
  if (subscriber.status === "ready") void subscribeAll();

  async function subscribeAll(): Promise<void> {
    const current = connection;
    if (channels.size > 0 && !(await askServer(new Map(channels)))) return;
    if (current === connection) tell(true);
  }

  async function askServer(asked: Map<string, Channel>): Promise<boolean> {
    const current = connection;
    try {
      await subscriber.subscribe(...asked.keys());
    } catch (err) {
      // Half a subscription is worse than none: start over with a new connection, unless that has happened already.
      log.debug({ err }, "redis did not confirm a subscription");
      if (current === connection) subscriber.disconnect(true);
      return false;
    }
    for (const channel of asked.values()) channel.confirm();
    return true;
  }

  function tell(now: boolean): void {
    if (now === isConnected) return;
    isConnected = now;
    for (const watcher of watchers) watcher(now);
  }

  function open(name: string): Channel {
    const { promise, resolve } = deferred();
    const channel = { listeners: new Set<Listener>(), confirmed: promise, confirm: resolve };
    channels.set(name, channel);
    if (subscriber.status === "ready") void askServer(new Map([[name, channel]])); // otherwise `ready` subscribes it with the others
    return channel;
  }

  function leave(name: string, channel: Channel): void {
    if (channel.listeners.size > 0 || channels.get(name) !== channel) return;
    channels.delete(name);
    if (subscriber.status !== "ready") return; // the next connection starts without it
    subscriber.unsubscribe(name).catch((err) => log.debug({ err }, "redis did not confirm an unsubscription"));
  }

  return {
    get isConnected() {
      return isConnected;
    },
    subscribe(name, listener) {
      const channel = channels.get(name) ?? open(name);
      const own: Listener = (message) => listener(message); // the same function may listen twice
      channel.listeners.add(own);
      const close = () => {
        if (channel.listeners.delete(own)) leave(name, channel);
      };
      return { ready: channel.confirmed, close };
    },
    onConnection(watcher) {
      watchers.push(watcher);
    },
  };
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
