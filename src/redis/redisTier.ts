import type { Logger } from "../utils/logger.ts";
import { DROP, ENTER, OPEN, STORE } from "./cacheScripts.ts";
import { type Drop, redisPatternOf } from "./drop.ts";
import { createPendingDrops } from "./pendingDrops.ts";
import type { Redis } from "./redis.ts";
import { createScript } from "./script.ts";

export type Opened =
  /** `lifeMs` is what is left of its life. */
  | { state: "hit"; json: string; lifeMs: number }
  /** The caller fetches and may store; `staleJson` is the expired value, for when the fetch fails. */
  | { state: "granted"; staleJson: string | null }
  /** Another process fetches it. */
  | { state: "busy" }
  /** Redis is not to be asked now. */
  | { state: "away" };

/** One value and one fetch of it. */
export interface Access {
  key: string;
  tags: readonly string[];
  /** Unlike any other's. */
  token: string;
  ttlMs: number;
}

export interface RedisTier {
  /** False while Redis is away, and until every drop it missed has been applied. */
  readonly isAvailable: boolean;
  open(access: Access, options: { force: boolean }): Promise<Opened>;
  /** `refused` if something was dropped since the grant: the value may be older than that write. */
  store(access: Access, json: string, lifeMs: number): Promise<"stored" | "refused" | "away">;
  /** Lets others fetch at once, after a fetch that failed. */
  release(access: Access): Promise<void>;
  /** Resolves when it is applied, or remembered for when Redis is back. */
  drop(drop: Drop): Promise<void>;
  close(): void;
}

export interface RedisTierOptions {
  redis: Redis;
  prefix: string;
  /** Names what values look like: those stored under another name, by another release, count as not there. */
  shape: string;
  log: Logger;
  graceMs: number;
  /** The channel that tells the other processes, and how a drop is written there. */
  channel: string;
  encode: (drop: Drop) => string;
  onError: () => void;
}

/** How long other processes wait for the one that fetches before one of them does it as well. */
const LEASE_MS = 2_000;
/** A fetch that takes longer is not stored. */
const LONGEST_FETCH_MS = 60_000;
const PENDING_DROPS = 10_000;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 8_000;

/**
 * Values in Redis, shared by all processes, behind a circuit breaker: a command that fails opens it, and it closes when
 * Redis answers and has been told every drop that it missed.
 *
 * What was stored before an outage is not trusted after it, since a process that wrote meanwhile may be slower to return
 * than we are, or gone: whoever lost its connection, or finds a server started since, begins a new generation.
 */
export function createRedisTier(options: RedisTierOptions): RedisTier {
  const { redis, prefix, shape, log, graceMs, channel, encode, onError } = options;
  const entryKey = (key: string) => `${prefix}:cache:${key}`;
  const tagKey = (tag: string) => `${prefix}:cache-tag:${tag}`;
  const generationKey = `${prefix}:cache-generation`;
  const keysOf = ({ key, tags }: Access) => [entryKey(key), generationKey, ...tags.map(tagKey)];
  const scripts = {
    open: createScript(redis, OPEN),
    store: createScript(redis, STORE),
    drop: createScript(redis, DROP),
    enter: createScript(redis, ENTER),
  };

  const pending = createPendingDrops({ limit: PENDING_DROPS });
  let isAvailable = false;
  let isDistrusted = false;
  let isClosed = false;
  let isEntering = false;
  let connection = 0;
  let pauseMs = FIRST_PAUSE_MS;
  let retry: NodeJS.Timeout | undefined;

  const onReady = () => void enter();
  const onClose = () => {
    connection++;
    isAvailable = false;
    isDistrusted = true;
  };
  redis.on("ready", onReady);
  redis.on("close", onClose);
  if (redis.status === "ready") onReady();

  /** Closes the breaker, one at a time: a second one would not see the drops that the first is applying. */
  async function enter(): Promise<void> {
    clearTimeout(retry);
    if (isClosed || isEntering || redis.status !== "ready") return; // `ready` comes here again
    const current = connection;
    isEntering = true;
    const failure = await catchUp();
    isEntering = false;
    if (current !== connection) return enter(); // what was learnt belongs to a connection that is gone
    if (failure !== null) return leave(failure.cause);
    if (isClosed) return;
    isDistrusted = false;
    isAvailable = true;
    log.debug("the cache uses redis");
  }

  async function catchUp(): Promise<{ cause: unknown } | null> {
    try {
      const runId = /run_id:(\w+)/.exec(await redis.info("server"))?.[1] ?? "unknown";
      await scripts.enter([`${prefix}:cache-server`, generationKey], [runId, isDistrusted ? 1 : 0]);
      while (!pending.isEmpty) await applyPending();
      return null;
    } catch (cause) {
      return { cause };
    }
  }

  async function applyPending(): Promise<void> {
    const drops = pending.take();
    try {
      for (const drop of drops) await apply(drop);
    } catch (error) {
      for (const drop of drops) pending.add(drop);
      throw error;
    }
  }

  /** Opens the breaker. A pause that grows keeps a Redis which only refuses writes from being asked without end. */
  function leave(err: unknown): void {
    onError();
    if (isAvailable) log.warn({ err, pauseMs }, "the cache goes on without redis");
    isAvailable = false;
    if (isClosed) return;
    clearTimeout(retry);
    retry = setTimeout(() => void enter(), pauseMs);
    retry.unref();
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
  }

  async function apply(drop: Drop): Promise<void> {
    if (drop.pattern !== null) await unlinkMatching(redisPatternOf(`${prefix}:cache:`, drop.pattern));
    const keys = [...drop.keys.map(entryKey), ...drop.tags.map(tagKey), ...(drop.all ? [generationKey] : [])];
    await scripts.drop(keys, [channel, encode(drop)]);
  }

  /** One pass is enough: an entry keeps its key from the grant to its end, and SCAN returns what is there throughout. */
  async function unlinkMatching(pattern: string): Promise<void> {
    let cursor = "0";
    do {
      const [next, keys] = await redis.scan(cursor, "MATCH", pattern, "COUNT", 1_000);
      if (keys.length > 0) await redis.unlink(...keys);
      cursor = next;
    } while (cursor !== "0");
  }

  return {
    get isAvailable() {
      return isAvailable;
    },
    async open(access, { force }) {
      if (!isAvailable) return { state: "away" };
      const tagLifeMs = access.ttlMs + graceMs + LONGEST_FETCH_MS;
      const args = [access.token, LEASE_MS, graceMs, LONGEST_FETCH_MS, tagLifeMs, force ? 1 : 0, shape];
      try {
        const [state, json, lifeMs] = (await scripts.open(keysOf(access), args)) as [string, string?, number?];
        if (state === "hit") return { state, json: json as string, lifeMs: lifeMs as number };
        return state === "busy" ? { state } : { state: "granted", staleJson: json ?? null };
      } catch (error) {
        leave(error);
        return { state: "away" };
      }
    },
    async store(access, json, lifeMs) {
      if (!isAvailable) return "away";
      try {
        const stored = await scripts.store(keysOf(access), [access.token, json, Math.ceil(lifeMs), graceMs, shape]);
        pauseMs = FIRST_PAUSE_MS; // it reads and it writes
        return stored === 1 ? "stored" : "refused";
      } catch (error) {
        leave(error);
        return "away";
      }
    },
    async release({ key, token }) {
      if (!isAvailable) return;
      await redis.hdel(entryKey(key), "lease", `token:${token}`).catch(leave);
    },
    async drop(drop) {
      if (!isAvailable) return pending.add(drop);
      try {
        await apply(drop);
      } catch (error) {
        pending.add(drop);
        leave(error);
      }
    },
    close() {
      isClosed = true;
      isAvailable = false;
      clearTimeout(retry);
      redis.off("ready", onReady);
      redis.off("close", onClose);
    },
  };
}
