import type { Transaction } from "../../prisma/client.ts";
import type { User as UserRow } from "../generated/prisma/client.ts";

/**
 * Locks the rows of people until the transaction ends. Always in the order of their ids: of two who lock the same people
 * one waits for the other, and never each for the other.
 * @returns those there are, by id
 */
export async function lockUsers(tx: Transaction, ids: string[]): Promise<Map<string, UserRow>> {
  await tx.$queryRaw`SELECT id FROM users WHERE id = ANY(${ids}::uuid[]) ORDER BY id FOR NO KEY UPDATE`;
  const rows = await tx.user.findMany({ where: { id: { in: ids } } });
  return new Map(rows.map((row) => [row.id, row]));
}
