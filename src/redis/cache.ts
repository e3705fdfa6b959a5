import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { DomainError } from "../domain/errors.ts";
import type { Logger } from "../utils/logger.ts";
import type { Bus } from "./bus.ts";
import { covers, DROP_ALL, type Drop, dropOfKeys, dropOfPattern, dropOfTags } from "./drop.ts";
import { createMemoryTier, deepFreeze, type MemoryEntry } from "./memoryTier.ts";
import type { Redis } from "./redis.ts";
import { type Access, createRedisTier, type Opened } from "./redisTier.ts";

export interface CacheOptions {
  /** The longest life of a value that no write drops; the default is the cache's. */
  ttlSeconds?: number;
  /** What the value was built from. A key always comes with the same tags. */
  tags?: readonly string[];
  /** Told of this read: a request's log line counts them, and its stored answer is dropped with any of the keys. */
  reads?: ReadLog;
}

export interface ReadLog {
  /**
   * @param isHit answered from memory or Redis; else fetched, or waited for somebody's fetch
   * @param tags a drop of one of these drops the value as a drop of its key does
   */
  note(key: string, isHit: boolean, tags: readonly string[]): void;
}

export interface Cache {
  /**
   * The value under `key`, from memory, else from Redis, else from `fetchFn`, which runs once for all who ask meanwhile,
   * in any process. What comes back is plain JSON data, deeply frozen and shared: dates are strings, always.
   * `null` is an answer and is kept for a short time. Redis being away is never an error.
   * @throws what `fetchFn` throws, unless it is a fault and an expired value can stand in for it.
   * @throws TypeError if `fetchFn` returns `undefined`.
   */
  getOrSetCache<T>(key: string, fetchFn: () => Promise<T>, options?: CacheOptions): Promise<T>;
  /** The value if it is in memory now, without waiting; `undefined` says nothing about whether it exists. */
  peek<T>(key: string): T | undefined;
  /**
   * Keeps a value that never changes, plain JSON data which becomes frozen, in this process only. Redis is not told: what mostly
   * its maker's process reads need not cost a round trip.
   */
  hold(key: string, value: unknown): void;
  /**
   * Drops values everywhere; to be called after the commit. When it resolves, no process starts from an older value in
   * Redis, and other processes' memory follows within a message's time. A fetch that began before does not store what it
   * read. If Redis is away it resolves too: the drop is remembered, and applied before Redis is used again.
   */
  drop(...keys: string[]): Promise<void>;
  /** As `drop`, for every value with one of the tags. */
  dropTags(...tags: string[]): Promise<void>;
  /** As `drop`, for every key that matches: `*` stands for any run of characters. Walks all of Redis: prefer a tag. */
  dropPattern(pattern: string): Promise<void>;
  /** Tells of every drop, ours or another process's, before anything new can be read. `all` when drops may have been missed. */
  onDrop(listener: (drop: Drop) => void): void;
  /** How long something learnt now may be kept in this process: everything while drops reach us, else two seconds. */
  readonly longestLifeMs: number;
  stats(): CacheStats;
  /** Stops timers and listening. The connections stay the caller's to close. */
  close(): void;
}

export interface CacheStats {
  l1Hits: number;
  l2Hits: number;
  misses: number;
  /** Commands that Redis did not answer. */
  errors: number;
  /** Whether the cache goes without Redis at the moment. */
  breakerOpen: boolean;
}

export interface CacheDependencies {
  /** A connection made with the role `cache`. */
  redis: Redis;
  bus: Bus;
  log: Logger;
  clock: () => Date;
  prefix: string;
  /** Names what values look like: those of a release with another name are not read. */
  shape: string;
  ttlSeconds: number;
  /** Bound of the values kept in this process, in approximate bytes. */
  memoryBytes: number;
  /** How long `null` is kept. */
  negativeTtlSeconds?: number;
  /** How long after its end a value may stand in for a fetch that fails. */
  graceSeconds?: number;
}

interface Flight extends Access {
  /** A drop came while it was under way: what it reads may be older than the write. */
  isDropped: boolean;
  tier: "l2" | "fetch";
  result: Promise<unknown>;
}

const LIFE_WITHOUT_BUS_MS = 2_000;
/** How long a process waits for another one's fetch before it fetches itself. */
const PATIENCE_MS = 1_000;
const NO_OPTIONS: CacheOptions = {};
const NO_TAGS: readonly string[] = [];

/** A cache in two tiers, memory and Redis. Its values are what the database would say: losing it loses only speed. */
export function createCache(deps: CacheDependencies): Cache {
  const { redis, bus, log, clock, prefix, shape, ttlSeconds, memoryBytes } = deps;
  const { negativeTtlSeconds = 10, graceSeconds = 300 } = deps;
  const processId = randomUUID();
  const channel = `${prefix}:cache-drops`;
  const counts = { l1Hits: 0, l2Hits: 0, misses: 0, errors: 0 };
  const flights = new Map<string, Flight>();
  const listeners: ((drop: Drop) => void)[] = [];
  const memory = createMemoryTier({ maxBytes: memoryBytes });
  const shared = createRedisTier({
    redis,
    prefix,
    shape,
    log,
    graceMs: graceSeconds * 1_000,
    channel,
    encode: (drop) => JSON.stringify({ ...drop, from: processId }),
    onError: () => counts.errors++,
  });
  let tokens = 0;
  let isSubscribed = false;
  let hearsDrops = false;

  const subscription = bus.subscribe(channel, (message) => {
    const { from, ...drop } = JSON.parse(message) as Drop & { from: string };
    if (from !== processId) forget(drop);
  });
  void subscription.ready.then(() => {
    isSubscribed = true;
    onHearing();
  });
  bus.onConnection(onHearing);

  /** Drops may have gone unheard: at the start, while the bus was away, and until it was back. */
  function onHearing(): void {
    hearsDrops = isSubscribed && bus.isConnected;
    forget(DROP_ALL);
  }

  /** Forgets in this process. A flight under way goes on for those who wait for it, but nobody else joins it. */
  function forget(drop: Drop): void {
    memory.drop(drop);
    for (const flight of flights.values()) {
      if (!covers(drop, flight.key, flight.tags)) continue;
      flight.isDropped = true;
      flights.delete(flight.key);
    }
    for (const listener of listeners) listener(drop);
  }

  async function dropEverywhere(drop: Drop): Promise<void> {
    forget(drop); // nobody here reads it while Redis is being told
    await shared.drop(drop);
    forget(drop); // what was read from Redis in between
  }

  const longestLifeMs = () => (hearsDrops && shared.isAvailable ? Number.POSITIVE_INFINITY : LIFE_WITHOUT_BUS_MS);

  function keep(of: Pick<Flight, "key" | "tags" | "isDropped">, value: unknown, json: string, lifeMs: number): void {
    if (of.isDropped) return;
    const freshUntil = clock().getTime() + Math.min(lifeMs, longestLifeMs());
    const entry = { value, tags: of.tags, freshUntil, staleUntil: freshUntil + graceSeconds * 1_000 };
    memory.set(of.key, entry, json.length);
  }

  function fresh(key: string): MemoryEntry | undefined {
    const entry = memory.get(key);
    return entry !== undefined && entry.freshUntil > clock().getTime() ? entry : undefined;
  }

  async function openPatiently(flight: Flight): Promise<Opened> {
    for (let waitedMs = 0, pauseMs = 5; ; pauseMs = Math.min(pauseMs * 2, 80)) {
      const opened = await shared.open(flight, { force: waitedMs >= PATIENCE_MS });
      if (opened.state !== "busy") return opened;
      await pause(pauseMs);
      waitedMs += pauseMs;
    }
  }

  async function read(flight: Flight, fetchFn: () => Promise<unknown>): Promise<unknown> {
    const opened = await openPatiently(flight);
    if (opened.state !== "hit") return fetch(flight, fetchFn, opened);
    flight.tier = "l2";
    const value = deepFreeze(JSON.parse(opened.json));
    keep(flight, value, opened.json, opened.lifeMs);
    return value;
  }

  async function fetch(flight: Flight, fetchFn: () => Promise<unknown>, opened: Opened): Promise<unknown> {
    let json: string;
    try {
      json = jsonOf(await fetchFn(), flight.key);
    } catch (error) {
      if (opened.state === "granted") await shared.release(flight);
      return standIn(flight, error, opened);
    }
    const value = deepFreeze(JSON.parse(json));
    const lifeMs = jittered(value === null ? Math.min(negativeTtlSeconds * 1_000, flight.ttlMs) : flight.ttlMs);
    const outcome = opened.state === "granted" ? await shared.store(flight, json, lifeMs) : "away";
    if (outcome === "stored") keep(flight, value, json, lifeMs);
    if (outcome === "away") keep(flight, value, json, Math.min(lifeMs, LIFE_WITHOUT_BUS_MS));
    return value;
  }

  /** A refusal is an answer; a fault is not, and then a value that has expired is better than none. */
  function standIn(flight: Flight, error: unknown, opened: Opened): unknown {
    const isRefusal = error instanceof DomainError && error.code !== "SERVICE_UNAVAILABLE";
    if (isRefusal || flight.isDropped) throw error;
    const entry = memory.get(flight.key);
    const isUsable = entry !== undefined && entry.staleUntil > clock().getTime();
    const staleJson = opened.state === "granted" ? opened.staleJson : null;
    if (!isUsable && staleJson === null) throw error;
    log.warn({ key: flight.key, err: error }, "an expired value stands in for a fetch that failed");
    return isUsable ? entry.value : deepFreeze(JSON.parse(staleJson as string));
  }

  function take(key: string, fetchFn: () => Promise<unknown>, options: CacheOptions): Flight {
    const joined = flights.get(key);
    if (joined) return joined;
    const flight: Flight = {
      key,
      tags: options.tags ?? NO_TAGS,
      token: `${processId}.${tokens++}`,
      ttlMs: Math.ceil((options.ttlSeconds ?? ttlSeconds) * 1_000),
      isDropped: false,
      tier: "fetch",
      result: Promise.resolve(),
    };
    flights.set(key, flight);
    flight.result = read(flight, fetchFn).finally(() => {
      if (flights.get(key) === flight) flights.delete(key);
    });
    return flight;
  }

  async function miss(flight: Flight, reads?: ReadLog): Promise<unknown> {
    try {
      return await flight.result;
    } finally {
      if (flight.tier === "l2") counts.l2Hits++;
      else counts.misses++;
      reads?.note(flight.key, flight.tier === "l2", flight.tags);
    }
  }

  return {
    getOrSetCache<T>(key: string, fetchFn: () => Promise<T>, options: CacheOptions = NO_OPTIONS): Promise<T> {
      const entry = fresh(key);
      if (entry === undefined) return miss(take(key, fetchFn, options), options.reads) as Promise<T>;
      counts.l1Hits++;
      options.reads?.note(key, true, entry.tags);
      return entry.promise as Promise<T>;
    },
    peek<T>(key: string): T | undefined {
      const entry = fresh(key);
      if (entry === undefined) return undefined;
      counts.l1Hits++;
      return entry.value as T;
    },
    hold: (key, value) =>
      keep({ key, tags: NO_TAGS, isDropped: false }, deepFreeze(value), jsonOf(value, key), ttlSeconds * 1_000),
    drop: async (...keys) => (keys.length > 0 ? dropEverywhere(dropOfKeys(keys)) : undefined),
    dropTags: async (...tags) => (tags.length > 0 ? dropEverywhere(dropOfTags(tags)) : undefined),
    dropPattern: (pattern) => dropEverywhere(dropOfPattern(pattern)),
    onDrop: (listener) => void listeners.push(listener),
    get longestLifeMs() {
      return longestLifeMs();
    },
    stats: () => ({ ...counts, breakerOpen: !shared.isAvailable }),
    close() {
      subscription.close();
      shared.close();
    },
  };
}

function jsonOf(value: unknown, key: string): string {
  const json: string | undefined = JSON.stringify(value);
  if (json === undefined) throw new TypeError(`The fetch for ${key} returned nothing; null means "there is none".`);
  return json;
}

/** Up to a tenth shorter, so that what was stored together does not expire together. */
function jittered(ms: number): number {
  return ms * (1 - Math.random() / 10);
}
