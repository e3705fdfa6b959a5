import type { Db } from "../../prisma/client.ts";
import { unauthenticated } from "../domain/errors.ts";
import type { User as UserRow } from "../generated/prisma/client.ts";
import { verifySecret } from "./passwords.ts";

export const wrongOwnPassword = () => unauthenticated("The password is wrong.", "WRONG_CREDENTIALS");

/**
 * The person's own row, once the password is shown again: for acts that an unlocked phone on a table must not be enough for.
 * @throws UNAUTHENTICATED (WRONG_CREDENTIALS)
 */
export async function requireOwnPassword(db: Db, userId: string, password: string): Promise<UserRow> {
  const user = await db.user.findUnique({ where: { id: userId } });
  if (!user?.passwordHash || user.disabledAt || !(await verifySecret(user.passwordHash, password)))
    throw wrongOwnPassword();
  return user;
}
