import { uuidv7 } from "uuidv7";
import type { Container } from "../../src/container.ts";
import type { OneTimePurpose } from "../../src/generated/prisma/enums.ts";
import { createOneTimeTokens } from "../../src/services/oneTimeTokens.ts";

/** The token of a link as a mail to this person would have it. */
export const aLinkFor = (
  { db, clock }: Pick<Container, "db" | "clock">,
  userId: string,
  purpose: OneTimePurpose,
): Promise<string> => createOneTimeTokens({ db, clock, newId: uuidv7 }).issue(userId, purpose, uuidv7());
