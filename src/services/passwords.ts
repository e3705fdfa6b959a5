import { createHash } from "node:crypto";
import os from "node:os";
import { hash, verify } from "@node-rs/argon2";
import { LRUCache } from "lru-cache";
import pLimit from "p-limit";
import { unavailable } from "../domain/errors.ts";

/** OWASP's minimum for argon2id: 19 MiB, 2 passes, 1 lane. @see https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** Hashes run on Node's four pool threads; one is left for files and names, which use the same. */
const HASHES_AT_ONCE = Math.min(os.availableParallelism(), 3);
/** At about 50 ms each, half a minute: nobody waits longer for a log-in. */
const MOST_WAITING = 600 * HASHES_AT_ONCE;
/** By then half of those who were waiting are through. */
const RETRY_AFTER_SECONDS = 15;

/**
 * Runs slow work a few at a time in the order it came, and refuses more than people would wait for: in a storm of log-ins the
 * rest is told to come back, instead of everybody's time running out.
 * @returns a function that runs one piece of work. @throws SERVICE_UNAVAILABLE when too many are waiting
 */
export function createTurns({ atOnce, mostWaiting }: { atOnce: number; mostWaiting: number }) {
  const inTurn = pLimit(atOnce);
  return async <Result>(work: () => Promise<Result>): Promise<Result> => {
    if (inTurn.pendingCount >= mostWaiting)
      throw unavailable("Very many people are logging in at this moment. Try again.", RETRY_AFTER_SECONDS);
    return inTurn(work);
  };
}

/** The process has one thread pool, and so one queue for it. */
const inTurn = createTurns({ atOnce: HASHES_AT_ONCE, mostWaiting: MOST_WAITING });

/** Hashes off the event loop. @throws SERVICE_UNAVAILABLE when too many are waiting for theirs */
export const hashSecret = (secret: string): Promise<string> => inTurn(() => hash(secret, COST));

/** Compares off the event loop. @throws SERVICE_UNAVAILABLE when too many are waiting for theirs */
export const verifySecret = (hashed: string, secret: string): Promise<boolean> => inTurn(() => verify(hashed, secret));

/**
 * Checks a secret that many people share, such as an exam's access code: hundreds type the same one in the same minute,
 * so a match is remembered (as a digest, never as the secret), and those who ask while it is being checked wait for that check.
 */
export function createSharedSecretCheck(): (hashed: string, secret: string) => Promise<boolean> {
  const matches = new LRUCache<string, true>({ max: 1_000, ttl: 3_600_000 });
  const checks = new Map<string, Promise<boolean>>();

  async function check(digest: string, hashed: string, secret: string): Promise<boolean> {
    try {
      const matched = await verifySecret(hashed, secret);
      if (matched) matches.set(digest, true);
      return matched;
    } finally {
      checks.delete(digest);
    }
  }

  return async (hashed, secret) => {
    const digest = createHash("sha256").update(hashed).update("\0").update(secret).digest("base64");
    if (matches.has(digest)) return true;
    const underWay = checks.get(digest) ?? check(digest, hashed, secret);
    checks.set(digest, underWay);
    return underWay;
  };
}
