import { z } from "zod";
import { isCommonPassword } from "./commonPasswords.ts";
import { LOCALES } from "./locale.ts";

/** Said before anything else looks at the text: to normalize megabytes takes minutes. */
const atMost = (characters: number) => ({ error: `has at most ${characters} characters`, abort: true });

/** Nobody sees these, or they turn the text around them; joiners and variation selectors are part of how some names are written. */
const UNSEEN =
  /[\p{Cc}\p{Zl}\p{Zp}]|(?![\p{Join_Control}\p{Variation_Selector}])[\p{Cf}\p{Default_Ignorable_Code_Point}]/u;
/** Any control or invisible character at all. */
const UNSEEN_OR_SPACE = /[\s\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}]/u;

/** Letters of any alphabet, as mail systems take them today, and the signs that need no quotes. */
const LOCAL_PART = /^[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+(\.[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+)*$/u;
const DOMAIN = /^([\p{L}\p{N}]([\p{L}\p{M}\p{N}-]*[\p{L}\p{M}\p{N}])?\.)+[\p{L}][\p{L}\p{M}\p{N}-]*[\p{L}\p{M}]$/u;
const LOOKALIKE_ALPHABETS = [/\p{Script=Latin}/u, /\p{Script=Cyrillic}/u, /\p{Script=Greek}/u];

const LONGEST_ADDRESS = 254;

/** The one spelling of an address: however it is typed, it finds the same account. What is too long for one is left as it is. */
export function normalAddress(text: string): string {
  const trimmed = text.trim();
  // Normalizing takes the square of the length: minutes for a few megabytes of accents.
  if (trimmed.length > LONGEST_ADDRESS) return trimmed;
  return trimmed.normalize("NFC").toLowerCase().normalize("NFC");
}

/** What is wrong with a normal address, for the person who typed it; null when nothing is. */
function problemOf(address: string): string | null {
  const [local = "", domain = "", ...more] = address.split("@");
  if (UNSEEN_OR_SPACE.test(address)) return "holds a space or a character that cannot be seen";
  if (more.length > 0) return "has more than one @";
  if (local.length > 64 || !LOCAL_PART.test(local) || !DOMAIN.test(domain)) return "is not an e-mail address";
  // Else one mailbox could have two accounts.
  if (/(^|\.)xn--/.test(domain)) return "has its domain in the coded form: write it as people read it";
  if (address !== address.normalize("NFKC")) return "holds a character that looks like another one";
  const mixes = [local, ...domain.split(".")].some(
    (part) => LOOKALIKE_ALPHABETS.filter((alphabet) => alphabet.test(part)).length > 1,
  );
  return mixes ? "mixes alphabets whose letters look alike" : null;
}

/** An e-mail address, in its normal spelling. */
export const emailAddress = z
  .string()
  .max(LONGEST_ADDRESS, atMost(LONGEST_ADDRESS))
  .transform(normalAddress)
  .superRefine((address, context) => {
    const message = problemOf(address);
    if (message) context.addIssue({ code: "custom", message });
  });

/** The name others see. */
export const personName = z
  .string()
  .max(200, atMost(200))
  .trim()
  .normalize("NFC")
  .min(1, { error: "is empty", abort: true })
  .refine((name) => !UNSEEN.test(name), { error: "holds a character that cannot be seen", abort: true })
  .regex(/[\p{L}\p{N}]/u, "needs a letter");

/** Language of the mails to a person. */
export const personLocale = z.enum(LOCALES, `is none of ${LOCALES.join(", ")}`);

/** A password to be set. That it is not the person's own address, {@link isOwnAddress} tells. */
export const newPassword = z
  .string()
  .max(200, atMost(200))
  .min(10, "needs at least 10 characters")
  .refine((password) => !isCommonPassword(password), "is one of the first that somebody would try");

export const OWN_ADDRESS_MESSAGE = "is the address itself";

/** Whether a password is the address it is to protect, or the part of it before the @. */
export function isOwnAddress(password: string, address: string): boolean {
  const typed = normalAddress(password);
  return typed === address || typed === address.split("@")[0];
}
