import { createHash } from "node:crypto";
import type { GraphQLFieldResolver, GraphQLResolveInfo, GraphQLSchema } from "graphql";
import { DomainError, rateLimited } from "../domain/errors.ts";
import { normalAddress } from "../domain/person.ts";
import type { Actor } from "../services/actor.ts";
import { clientNetwork } from "./clientNetwork.ts";
import { applyMiddleware } from "./shield.ts";
import type { TryCounter, TryCounters } from "./tryCounters.ts";

/** Whose tries are counted together. An address is counted as it was sent, whether or not it has an account. */
type Per = "address from one network" | "address" | "network" | "user";

interface Limit {
  per: Per;
  most: number;
  seconds: number;
  /** Not for a network that the address has logged in from: strangers, there or elsewhere, cannot lock somebody out at home. */
  sparesKnownPlaces?: boolean;
  inProcess?: boolean;
}

interface Protection {
  /** Fields under one name are counted together. */
  name: string;
  /** `calls`: all that were not refused as bad input. `failures`: a wrong password, code or token; what goes well is free. */
  counts: "calls" | "failures";
  limits: readonly Limit[];
}

const QUARTER = 900;
const HOUR = 3_600;
const DAY = 86_400;

/**
 * A whole school sits behind one network and logs in within the same minute: what goes well never counts against it.
 * One who guesses gets ten tries at an address from where they are; guessing from everywhere gets a hundred. The limit of a network is wide,
 * and not for those who have logged in from it: else one who guesses on purpose would keep a whole school out.
 */
const logIn: Protection = {
  name: "log-in",
  counts: "failures",
  limits: [
    { per: "address from one network", most: 10, seconds: QUARTER },
    { per: "address", most: 100, seconds: QUARTER, sparesKnownPlaces: true },
    { per: "network", most: 3_000, seconds: QUARTER, sparesKnownPlaces: true },
  ],
};

/** Acts that ask for the password or a code once more, counted together: a stolen session is no place to guess them. */
const ownPassword: Protection = {
  name: "own-password",
  counts: "failures",
  limits: [{ per: "user", most: 10, seconds: QUARTER }],
};

/** Each of these may send a mail, and nobody is to be flooded with them. */
const mailTo = (name: string): Protection => ({
  name,
  counts: "calls",
  limits: [
    { per: "address", most: 5, seconds: HOUR },
    { per: "network", most: 500, seconds: HOUR },
  ],
});

const mailedToken: Protection = {
  name: "mailed-token",
  counts: "failures",
  limits: [{ per: "network", most: 300, seconds: QUARTER }],
};

/** How often something may be tried, by field of `Mutation`. All numbers are multiplied by RATE_LIMIT_FACTOR. */
export const limits: Readonly<Record<string, Protection>> = {
  login: logIn,
  register: mailTo("register"),
  requestPasswordReset: mailTo("reset-request"),
  resendVerification: mailTo("resend"),
  verifyEmail: mailedToken,
  resetPassword: mailedToken,
  acceptInvitation: mailedToken,
  changePassword: ownPassword,
  setUpSecondFactor: ownPassword,
  confirmSecondFactor: ownPassword,
  renewRecoveryCodes: ownPassword,
  removeSecondFactor: ownPassword,
  deleteMyAccount: ownPassword,
  exportMyData: { name: "export", counts: "calls", limits: [{ per: "user", most: 5, seconds: DAY }] },
  // A wrong access code costs a hash, and thousands start in the same minute.
  startAttempt: {
    name: "access-code",
    counts: "failures",
    limits: [{ per: "user", most: 30, seconds: QUARTER, inProcess: true }],
  },
};

const FAILURES = new Set<unknown>(["WRONG_CREDENTIALS", "WRONG_CODE", "TOKEN_NOT_GOOD", "WRONG_ACCESS_CODE"]);
/** After these, nothing was done. */
const FREE = new Set(["BAD_USER_INPUT", "SERVICE_UNAVAILABLE"]);
/** As long as the longest timer of Node allows, less a little. */
const KNOWN_PLACE_SECONDS = 20 * DAY;

export interface RateLimiting {
  counters: TryCounters;
  factor: number;
}

/** Who asks, as far as limits go. */
interface Asker {
  actor: Pick<Actor, "userId"> | null;
  client: { ip: string | null };
}

// biome-ignore lint/suspicious/noExplicitAny: the arguments of any field
type Args = Record<string, any>;

/**
 * Wraps the fields of {@link limits}, for every way an operation arrives. A limit that is reached refuses whoever asks,
 * with the right password too, by RATE_LIMITED and the seconds to wait.
 */
export function withRateLimits(schema: GraphQLSchema, limiting: RateLimiting): GraphQLSchema {
  const limited = createLimited(limiting);
  const middlewares = new Map(
    [...new Set(Object.values(limits))].map((protection) => [protection, asMiddleware(limited(protection))]),
  );
  return applyMiddleware(schema, {
    Mutation: Object.fromEntries(
      Object.entries(limits).map(([field, protection]) => [field, middlewares.get(protection)!]),
    ),
  });
}

/** The limits of `login`, with the same counts, for a log-in that does not come over GraphQL. @throws RATE_LIMITED */
export function createLogInLimit(limiting: RateLimiting) {
  const limited = createLimited(limiting)(logIn);
  return <T>(email: string, ip: string | null, work: () => Promise<T>): Promise<T> =>
    limited({ email }, { actor: null, client: { ip } }, work);
}

function createLimited({ counters, factor }: RateLimiting): (protection: Protection) => Limited {
  const knownPlaces = counters({ name: "known-places", most: 1, seconds: KNOWN_PLACE_SECONDS });
  return (protection) =>
    protect(
      protection.limits.map((limit) => ({
        ...limit,
        isTakenFirst: protection.counts === "calls" || limit.per !== "network",
        counter: counters({
          ...limit,
          name: `${protection.name}:${limit.per.replaceAll(" ", "-")}`,
          most: Math.max(1, Math.round(limit.most * factor)),
        }),
      })),
      protection.counts === "failures" ? isFailure : isCall,
      knownPlaces,
    );
}

/** Does what is asked for, where the limits leave room for it. @throws RATE_LIMITED */
type Limited = <T>(args: Args, asker: Asker, work: () => Promise<T>) => Promise<T>;

const asMiddleware =
  (limited: Limited) =>
  (
    resolve: GraphQLFieldResolver<unknown, Asker, Args>,
    root: unknown,
    args: Args,
    context: Asker,
    info: GraphQLResolveInfo,
  ): Promise<unknown> =>
    limited(args, context, async () => resolve(root, args, context, info));

interface Guard extends Limit {
  counter: TryCounter;
  /**
   * Counted before it is tried and given back if it was no failure, so that a thousand guesses sent at once are a thousand.
   * Not where many people share the count: those who are under way would leave no room for the others.
   */
  isTakenFirst: boolean;
}

function protect(guards: readonly Guard[], isCounted: (error: unknown) => boolean, knownPlaces: TryCounter): Limited {
  const sparesKnownPlaces = guards.some((guard) => guard.sparesKnownPlaces);

  /** Lets a try begin. @returns what to call with its error, or undefined, at its end. @throws RATE_LIMITED */
  async function begin(args: Args, asker: Asker): Promise<(error: unknown) => Promise<unknown>> {
    const asked = guards.flatMap((guard) => {
      const key = keyOf(guard.per, args, asker);
      return key === null ? [] : [{ ...guard, key }];
    });
    const place = sparesKnownPlaces ? keyOf("address from one network", args, asker) : null;

    const waits = await Promise.all(
      asked.map(async ({ counter, key, isTakenFirst, ...limit }) => {
        const waitMs = isTakenFirst ? await counter.take(key) : await counter.look(key);
        const isSpared = waitMs > 0 && limit.sparesKnownPlaces && place !== null && (await knownPlaces.look(place)) > 0;
        return isSpared ? 0 : waitMs;
      }),
    );
    const waitMs = Math.max(0, ...waits);
    if (waitMs > 0) {
      await Promise.all(asked.map(({ counter, key, isTakenFirst }) => isTakenFirst && counter.giveBack(key)));
      throw rateLimited(Math.ceil(waitMs / 1000));
    }

    return (error) => {
      const counts = isCounted(error);
      return Promise.all([
        place !== null && error === undefined && knownPlaces.take(place),
        ...asked
          .filter(({ isTakenFirst }) => isTakenFirst !== counts)
          .map(({ counter, key, isTakenFirst }) => (isTakenFirst ? counter.giveBack(key) : counter.take(key))),
      ]);
    };
  }

  return async (args, asker, work) => {
    const end = await begin(args, asker);
    let result: Awaited<ReturnType<typeof work>>;
    try {
      result = await work();
    } catch (error) {
      await end(error);
      throw error;
    }
    await end(undefined);
    return result;
  };
}

const isFailure = (error: unknown) => error instanceof DomainError && FAILURES.has(error.reason);
const isCall = (error: unknown) => error === undefined || (error instanceof DomainError && !FREE.has(error.code));

/** Null where there is nobody to count: the permissions have refused a visitor where a user is needed. */
function keyOf(per: Per, args: Args, { actor, client }: Asker): string | null {
  if (per === "user") return actor?.userId ?? null;
  if (per === "network") return clientNetwork(client.ip);
  const address = digestOf(args.email ?? args.input.email);
  return per === "address" ? address : `${address}:${clientNetwork(client.ip)}`;
}

/** Of one length however long the address is, and nothing personal in Redis. Spellings that a log-in takes for one are one. */
const digestOf = (address: string): string =>
  createHash("sha256").update(normalAddress(address)).digest("base64url").slice(0, 22);
