import { createHash } from "node:crypto";
import { hash, verify } from "@node-rs/argon2";
import { LRUCache } from "lru-cache";

/** OWASP's minimum for argon2id: 19 MiB, 2 passes, 1 lane. @see https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** Hashes off the event loop. */
export const hashSecret = (secret: string): Promise<string> => hash(secret, COST);

export const verifySecret = (hashed: string, secret: string): Promise<boolean> => verify(hashed, secret);

/**
 * Checks a secret that many people share, such as an exam's access code: hundreds type the same one in the same minute,
 * so a match is remembered (as a digest, never as the secret) and costs the hash only once.
 */
export function createSharedSecretCheck(): (hashed: string, secret: string) => Promise<boolean> {
  const matches = new LRUCache<string, true>({ max: 1_000, ttl: 3_600_000 });
  return async (hashed, secret) => {
    const digest = createHash("sha256").update(hashed).update("\0").update(secret).digest("base64");
    if (matches.has(digest)) return true;
    const matched = await verify(hashed, secret);
    if (matched) matches.set(digest, true);
    return matched;
  };
}
