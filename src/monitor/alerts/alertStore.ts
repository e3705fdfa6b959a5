import { z } from "zod";
import type { Redis } from "../../redis/redis.ts";
import { createScript } from "../../redis/script.ts";
import { type AlertState, noAlerts } from "./alertState.ts";
import type { Unsent } from "./sendAlerts.ts";
import type { Silence } from "./silences.ts";

/** What a monitor has to know to go on where another stopped. */
export interface AlertMemory {
  state: AlertState;
  unsent: Unsent[];
}

export const emptyMemory: AlertMemory = { state: noAlerts, unsent: [] };

export type AlertStore = ReturnType<typeof createAlertStore>;

/** Takes the lease if it is free, prolongs it if it is ours, and tells whose it is. */
const HOLD = `
local holder = redis.call("GET", KEYS[1])
if holder == ARGV[1] then
  redis.call("PEXPIRE", KEYS[1], ARGV[2])
elseif not holder then
  redis.call("SET", KEYS[1], ARGV[1], "PX", ARGV[2])
  holder = ARGV[1]
end
return holder`;
const RELEASE = `if redis.call("GET", KEYS[1]) == ARGV[1] then redis.call("DEL", KEYS[1]) end`;

/** The alerts' memory in Redis. Every method rejects when Redis is away or full; what to do then, the watcher decides. */
export function createAlertStore({ redis, prefix }: { redis: Redis; prefix: string }) {
  const key = (name: string) => `${prefix}:alerts:${name}`;
  const hold = createScript(redis, HOLD);
  const release = createScript(redis, RELEASE);

  return {
    /** Tries to be the one monitor that acts, for so long. Returns who is. */
    hold: async (id: string, forMs: number) => z.string().parse(await hold([key("lease")], [id, forMs])),
    /** Lets another monitor act at once. Safe to repeat. */
    release: async (id: string) => void (await release([key("lease")], [id])),

    async load(): Promise<AlertMemory> {
      const text = await redis.get(key("memory"));
      return text === null ? emptyMemory : (JSON.parse(text) as AlertMemory);
    },
    save: async (memory: AlertMemory) => void (await redis.set(key("memory"), JSON.stringify(memory))),

    /** Those that still hold, the next to end first. */
    async silences(now: Date): Promise<Silence[]> {
      const all = Object.values(await redis.hgetall(key("silences"))).map((text) => JSON.parse(text) as Silence);
      return all.filter(({ until }) => until > now.toISOString()).sort((a, b) => (a.until < b.until ? -1 : 1));
    },
    addSilence: async (silence: Silence) =>
      void (await redis.hset(key("silences"), silence.id, JSON.stringify(silence))),
    removeSilence: async (id: string) => void (await redis.hdel(key("silences"), id)),
  };
}
