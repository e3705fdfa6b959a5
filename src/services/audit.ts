import type { Transaction } from "../../prisma/client.ts";
import type { Prisma } from "../generated/prisma/client.ts";
import type { Actor } from "./actor.ts";

export interface AuditedAct {
  action: string;
  entityType: string;
  entityId: string;
  before?: Prisma.InputJsonValue;
  after?: Prisma.InputJsonValue;
}

/** Writes down who did what, in the transaction that does it. @param actor null for the system */
export async function audit(
  tx: Transaction,
  actor: Pick<Actor, "userId"> | null,
  newId: () => string,
  act: AuditedAct,
): Promise<void> {
  await tx.auditEntry.create({ data: { id: newId(), actorId: actor?.userId ?? null, ...act } });
}

/** The same for acts that are many, in one statement. */
export async function auditAll(
  tx: Transaction,
  { userId }: Pick<Actor, "userId">,
  newId: () => string,
  acts: readonly AuditedAct[],
): Promise<void> {
  await tx.auditEntry.createMany({ data: acts.map((act) => ({ id: newId(), actorId: userId, ...act })) });
}
