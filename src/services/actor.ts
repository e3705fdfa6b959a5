import { unauthenticated } from "../domain/errors.ts";
import type { CourseRole, UserRole } from "../generated/prisma/enums.ts";
import type { ReadLog } from "../redis/cache.ts";

/** What one request read through the cache: counted for its log line, and the keys and tags that drop its stored answer. */
export class Reads implements ReadLog {
  hits = 0;
  misses = 0;
  readonly keys = new Set<string>();

  note(key: string, isHit: boolean, tags: readonly string[]): void {
    this.keys.add(key);
    for (const tag of tags) this.keys.add(tag);
    if (isHit) this.hits += 1;
    else this.misses += 1;
  }
}

/** Who acts, known from a verified token alone, and in which request. */
export interface Actor {
  userId: string;
  role: UserRole;
  sessionId: string;
  /** The role asks for a second factor that is not set up: nothing but setting it up is allowed. */
  secondFactorMissing: boolean;
  requestId: string;
  /** Where the request comes from, as the server sees it; null where it does not come over the network. */
  ip: string | null;
  userAgent: string | null;
  reads: Reads;
}

/** @throws UNAUTHENTICATED when nobody is logged in. */
export function requireActor({ actor }: { actor: Actor | null }): Actor {
  if (!actor) throw unauthenticated();
  return actor;
}

export type { CourseRole, UserRole };
