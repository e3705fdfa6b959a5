import { randomBytes } from "node:crypto";
import type { Db, Transaction } from "../../prisma/client.ts";
import type { Secrets } from "./secrets.ts";

const CODES = 10;
/** Five random bits each. */
const CHARACTERS = 12;
const GROUP = 4;
/** Crockford's base32: none of the letters that are taken for a digit or for another letter. */
const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const CODE = new RegExp(`^[${ALPHABET}]{${CHARACTERS}}$`);

const newCode = (): string => Array.from(randomBytes(CHARACTERS), (byte) => ALPHABET[byte % ALPHABET.length]).join("");

/** As it is shown: `xxxx-xxxx-xxxx`. */
const grouped = (code: string): string => code.match(new RegExp(`.{${GROUP}}`, "g"))!.join("-");

/** What was typed, with letters read as the digits they look like. */
const asStored = (typed: string): string => typed.toLowerCase().replace(/[il]/g, "1").replace(/o/g, "0");

export type RecoveryCodes = ReturnType<typeof createRecoveryCodes>;

/** Codes on paper for when the phone is gone, each good once. */
export function createRecoveryCodes({ secrets, clock }: { secrets: Secrets; clock: () => Date }) {
  const hashOf = (userId: string, code: string) => secrets.hash("recovery code", userId + code);

  return {
    /** Gives a person ten new codes in place of all earlier ones. @returns the codes, told nowhere else */
    async replace(tx: Transaction, userId: string): Promise<string[]> {
      const codes = Array.from({ length: CODES }, newCode);
      await tx.recoveryCode.deleteMany({ where: { userId } });
      await tx.recoveryCode.createMany({ data: codes.map((code) => ({ userId, hash: hashOf(userId, code) })) });
      return codes.map(grouped);
    },

    /** Uses a code up, without the signs between its groups; of two who try at once, one does. @returns whether it was good */
    async use(tx: Db | Transaction, userId: string, typed: string): Promise<boolean> {
      const code = asStored(typed);
      if (!CODE.test(code)) return false;
      const { count } = await tx.recoveryCode.updateMany({
        where: { userId, hash: hashOf(userId, code), usedAt: null },
        data: { usedAt: clock() },
      });
      return count === 1;
    },
  };
}
