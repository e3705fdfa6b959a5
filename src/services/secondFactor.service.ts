import type { Db, Transaction } from "../../prisma/client.ts";
import { unauthenticated, unprocessable } from "../domain/errors.ts";
import type { User as UserRow } from "../generated/prisma/client.ts";
import { emailQueue } from "../queues/email.queue.ts";
import type { Outbox } from "../queues/outbox.ts";
import type { Cache } from "../redis/cache.ts";
import { CACHE_KEYS } from "../redis/cacheKeys.ts";
import type { Logger } from "../utils/logger.ts";
import { accountGone } from "./account.service.ts";
import type { Actor, UserRole } from "./actor.ts";
import { audit } from "./audit.ts";
import { lockUsers } from "./lockUsers.ts";
import { NO_SECOND_FACTOR } from "./noSecondFactor.ts";
import { requireOwnPassword } from "./ownPassword.ts";
import { createRecoveryCodes } from "./recoveryCodes.ts";
import type { Secrets } from "./secrets.ts";
import { isTotpCode, newTotpSecret, otpauthUrl, totpStep } from "./totp.ts";

/** What an authenticator app needs. */
export interface SecondFactorSetup {
  secret: string;
  otpauthUrl: string;
}

/** No code is as long, however it is spaced. */
const MOST_CHARACTERS = 100;
const WRONG_CODE = "WRONG_CODE";
const NOT_THE_CODE = "This code is wrong, or it was used already.";

const wrongCode = () => unprocessable(WRONG_CODE, NOT_THE_CODE);
const alreadyOn = () => unprocessable("SECOND_FACTOR_ON", "The second factor is on already.");
const notSetUp = () => unprocessable("NO_SECOND_FACTOR", "There is no second factor.");
const requiredByPolicy = () =>
  unprocessable("SECOND_FACTOR_REQUIRED_BY_POLICY", "Your role must use a second factor; it cannot be turned off.");

/** Without what people put between the parts of a code. */
const compact = (code: string): string => code.normalize("NFKC").replace(/[\s\p{Pd}]/gu, "");

export type SecondFactorService = ReturnType<typeof createSecondFactorService>;

/** Codes of an authenticator app, and recovery codes in their place. A code is good once. */
export function createSecondFactorService({
  db,
  cache,
  outbox,
  secrets,
  requiredRoles,
  clock,
  newId,
  log,
}: {
  db: Db;
  cache: Cache;
  outbox: Outbox;
  secrets: Secrets;
  /** Roles that must use a second factor. */
  requiredRoles: readonly UserRole[];
  clock: () => Date;
  newId: () => string;
  log: Logger;
}) {
  const recoveryCodes = createRecoveryCodes({ secrets, clock });

  /** The step of a code of the person's app; null for every other code. */
  async function stepOf({ id, totpSecret }: UserRow, code: string, requestId: string): Promise<number | null> {
    const secret = totpSecret && secrets.open(totpSecret, id);
    if (totpSecret && !secret)
      log.error({ userId: id, requestId }, "a second factor does not open: SECRETS_KEY was another one");
    return secret ? totpStep(secret, code, clock()) : null;
  }

  /** Uses a code up, of the app or of the recovery codes. @returns whether it was good */
  async function use(tx: Db | Transaction, person: UserRow, typed: string, requestId: string): Promise<boolean> {
    if (typed.length > MOST_CHARACTERS) return false;
    const code = compact(typed);
    if (!isTotpCode(code)) return recoveryCodes.use(tx, person.id, code);
    const step = await stepOf(person, code, requestId);
    if (step === null) return false;
    // Of two log-ins with one code at the same moment the second finds the step taken.
    const { count } = await tx.user.updateMany({
      where: {
        id: person.id,
        totpSecret: person.totpSecret,
        OR: [{ totpLastStep: null }, { totpLastStep: { lt: step } }],
      },
      data: { totpLastStep: step },
    });
    return count === 1;
  }

  const isMissing = ({ role, totpConfirmedAt }: Pick<UserRow, "role" | "totpConfirmedAt">): boolean =>
    totpConfirmedAt === null && requiredRoles.includes(role);

  /** Changes the actor's own second factor, with their row locked: who does two things at once does one after the other. */
  async function change<Result>(
    { userId }: Actor,
    act: (tx: Transaction, person: UserRow) => Promise<Result>,
  ): Promise<Result> {
    const result = await db.$transaction(async (tx) => {
      const person = (await lockUsers(tx, [userId])).get(userId);
      if (!person || person.disabledAt) throw accountGone();
      return act(tx, person);
    });
    await cache.drop(CACHE_KEYS.USER_PROFILE(userId));
    outbox.handOver();
    return result;
  }

  /** What follows when it is turned on or off: a line in the audit log and a mail. */
  async function tell(tx: Transaction, actor: Actor, turned: "ON" | "OFF"): Promise<void> {
    const { userId, requestId } = actor;
    const isOn = turned === "ON";
    await audit(tx, actor, newId, {
      action: isOn ? "user.secondFactor.on" : "user.secondFactor.off",
      entityType: "User",
      entityId: userId,
      before: { secondFactor: !isOn },
      after: { secondFactor: isOn },
    });
    const mail = { template: "secondFactorChanged", userId, change: turned } as const;
    await outbox.add(tx, emailQueue, "sendTemplate", mail, { ownerId: userId, requestId });
  }

  /** @throws UNPROCESSABLE (NO_SECOND_FACTOR, WRONG_CODE) */
  async function requireCode(tx: Transaction, person: UserRow, code: string, requestId: string): Promise<void> {
    if (!person.totpConfirmedAt) throw notSetUp();
    if (!(await use(tx, person, code, requestId))) throw wrongCode();
  }

  return {
    /** Whether the policy asks this person for a second factor that is not on. */
    isMissing,

    /**
     * Uses up the code that a log-in comes with; an account without a second factor needs none.
     * @throws UNAUTHENTICATED (SECOND_FACTOR_REQUIRED without a code, WRONG_CODE)
     */
    async check(person: UserRow, code: string | null | undefined, requestId: string): Promise<void> {
      if (!person.totpConfirmedAt) return;
      if (!code) throw unauthenticated("Send a code of your authenticator app too.", "SECOND_FACTOR_REQUIRED");
      if (!(await use(db, person, code, requestId))) throw unauthenticated(NOT_THE_CODE, WRONG_CODE);
    },

    /**
     * Makes a secret for the actor's app; it counts once it is confirmed. Doing it again makes the one before worthless.
     * @throws UNAUTHENTICATED (WRONG_CREDENTIALS), UNPROCESSABLE (SECOND_FACTOR_ON, EMAIL_NOT_VERIFIED)
     */
    async setUp(actor: Actor, password: string): Promise<SecondFactorSetup> {
      const { id, email, emailVerifiedAt } = await requireOwnPassword(db, actor.userId, password);
      // Else somebody who registered another's address could lock its owner out for good.
      if (!emailVerifiedAt) throw unprocessable("EMAIL_NOT_VERIFIED", "Verify your address first.");
      const secret = newTotpSecret();
      const { count } = await db.user.updateMany({
        where: { id, totpConfirmedAt: null },
        data: { totpSecret: secrets.seal(secret, id), totpLastStep: null },
      });
      if (count === 0) throw alreadyOn();
      return { secret, otpauthUrl: otpauthUrl(secret, email) };
    },

    /**
     * Turns the actor's second factor on by a first code of the app. @returns ten recovery codes, told nowhere else
     * @throws UNPROCESSABLE (NO_SECOND_FACTOR, SECOND_FACTOR_ON, WRONG_CODE)
     */
    async confirm(actor: Actor, code: string): Promise<string[]> {
      return change(actor, async (tx, person) => {
        if (person.totpConfirmedAt) throw alreadyOn();
        if (!person.totpSecret) throw notSetUp();
        const step = await stepOf(person, compact(code.slice(0, MOST_CHARACTERS)), actor.requestId);
        if (step === null) throw wrongCode();
        await tx.user.update({ where: { id: person.id }, data: { totpConfirmedAt: clock(), totpLastStep: step } });
        await tell(tx, actor, "ON");
        return recoveryCodes.replace(tx, person.id);
      });
    },

    /**
     * Makes new recovery codes, after which the old ones are worthless. @returns ten, told nowhere else
     * @throws UNAUTHENTICATED (WRONG_CREDENTIALS), UNPROCESSABLE (NO_SECOND_FACTOR, WRONG_CODE)
     */
    async renewRecoveryCodes(actor: Actor, password: string, code: string): Promise<string[]> {
      await requireOwnPassword(db, actor.userId, password);
      return change(actor, async (tx, person) => {
        await requireCode(tx, person, code, actor.requestId);
        return recoveryCodes.replace(tx, person.id);
      });
    },

    /**
     * Turns the actor's second factor off.
     * @throws UNAUTHENTICATED (WRONG_CREDENTIALS), UNPROCESSABLE (NO_SECOND_FACTOR, SECOND_FACTOR_REQUIRED_BY_POLICY, WRONG_CODE)
     */
    async remove(actor: Actor, password: string, code: string): Promise<void> {
      await requireOwnPassword(db, actor.userId, password);
      await change(actor, async (tx, person) => {
        if (person.totpConfirmedAt && requiredRoles.includes(person.role)) throw requiredByPolicy();
        await requireCode(tx, person, code, actor.requestId);
        await tx.user.update({ where: { id: person.id }, data: NO_SECOND_FACTOR });
        await tell(tx, actor, "OFF");
      });
    },
  };
}
