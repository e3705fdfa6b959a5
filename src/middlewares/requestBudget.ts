import { LRUCache } from "lru-cache";
import { type DomainError, rateLimited } from "../domain/errors.ts";
import type { Actor } from "../services/actor.ts";
import { clientNetwork } from "./clientNetwork.ts";

/** What one user may spend in a minute: a hundred requests a second, or thirty of the largest lists there are. */
const POINTS_PER_MINUTE = 6_000;
/** Visitors of one network share a budget: the whole school that is about to log in. */
const VISITORS = 10;
/** Beyond this many at once, those who have asked least lately begin with a full budget again. */
const MOST_BUDGETS = 50_000;

interface Budget {
  points: number;
  /** When `points` was true. */
  at: number;
}

export interface RequestBudget {
  /** Takes points from the budget of whoever asks. @returns the refusal (RATE_LIMITED) if there are not enough */
  charge(
    asker: { actor: Pick<Actor, "userId"> | null; client: { ip: string | null } },
    points: number,
  ): DomainError | null;
}

/**
 * What users may ask of the API in general. Kept in the memory of each server, because it is looked at in every request:
 * somebody who is spread over several servers gets the budget of each.
 */
export function createRequestBudget({ factor, clock }: { factor: number; clock: () => Date }): RequestBudget {
  const budgets = new LRUCache<string, Budget>({ max: MOST_BUDGETS });

  return {
    charge({ actor, client }, points) {
      if (points <= 0) return null; // most operations: their only field is paid for with the request
      const key = actor ? actor.userId : clientNetwork(client.ip);
      const most = POINTS_PER_MINUTE * factor * (actor ? 1 : VISITORS);
      const perMs = most / 60_000;
      const now = clock().getTime();
      let budget = budgets.get(key);
      if (!budget) {
        budget = { points: most, at: now };
        budgets.set(key, budget);
      }
      budget.points = Math.min(most, budget.points + Math.max(0, now - budget.at) * perMs);
      budget.at = now;
      if (budget.points < points) return rateLimited(Math.ceil((points - budget.points) / perMs / 1000));
      budget.points -= points;
      budgets.set(key, budget);
      return null;
    },
  };
}
