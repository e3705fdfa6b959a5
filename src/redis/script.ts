import { createHash } from "node:crypto";
import type { Redis } from "./redis.ts";

export type Script = (keys: readonly string[], args: readonly (string | number)[]) => Promise<unknown>;

/** A Lua script that runs as one step in Redis; its text travels only when the server does not know it yet. */
export function createScript(redis: Redis, text: string): Script {
  const sha = createHash("sha1").update(text).digest("hex");
  return async (keys, args) => {
    try {
      return await redis.evalsha(sha, keys.length, ...keys, ...args);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith("NOSCRIPT")) throw error;
      return redis.eval(text, keys.length, ...keys, ...args);
    }
  };
}
