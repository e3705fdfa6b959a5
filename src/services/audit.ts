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

/** Writes down who did what, in the transaction that does it. */
export async function audit(tx: Transaction, actor: Actor, newId: () => string, act: AuditedAct): Promise<void> {
  await tx.auditEntry.create({ data: { id: newId(), actorId: actor.userId, ...act } });
}
