import { Prisma } from "../generated/prisma/client.ts";

/** In SQL: whether a text, as somebody wrote it into a file or a form, is this address. */
export const sameAddress = (text: Prisma.Sql, address: string): Prisma.Sql =>
  Prisma.sql`lower(btrim(${text})) = lower(${address})`;
