import type { User as UserRow } from "../generated/prisma/client.ts";

/** Rows read at a time: what is in memory does not grow with what there is. */
export const PAGE = 100;

/** One list of the file that a person gets of what is kept about them. */
export interface PersonalDataList {
  about: string;
  /** The columns by which its rows are the person's, as `Model.field` of the schema. */
  of: readonly string[];
  read(person: UserRow): AsyncIterable<unknown>;
}

export type PersonalDataLists = Readonly<Record<string, PersonalDataList>>;

interface Page {
  where: { id?: { gt: string } };
  orderBy: { id: "asc" };
  take: number;
}

/** All rows, the oldest first, a page at a time. */
export async function* rowsOf<Row extends { id: string }>(find: (page: Page) => Promise<Row[]>): AsyncGenerator<Row> {
  let where: Page["where"] = {};
  for (;;) {
    const rows = await find({ where, orderBy: { id: "asc" }, take: PAGE });
    yield* rows;
    if (rows.length < PAGE) return;
    where = { id: { gt: rows.at(-1)!.id } };
  }
}

/** For what a person has a handful of. */
export async function* fewRows<Row>(rows: Promise<Row[]>): AsyncGenerator<Row> {
  yield* await rows;
}
