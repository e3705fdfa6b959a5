import { Prisma } from "../generated/prisma/client.ts";
import type { Ordering, PageQuery } from "./connection.ts";
import { isUuid } from "./ids.ts";

export const QUESTION_SORTS = ["NEWEST", "OLDEST", "TITLE"] as const;
type QuestionSort = (typeof QUESTION_SORTS)[number];

interface QuestionOrder {
  ordering: Ordering<string>;
  /** The key of a row, as text. */
  key: Prisma.Sql;
  /** The same as what rows are compared by. */
  columns: Prisma.Sql;
  /** A key as a value to compare with. */
  value: (key: string) => Prisma.Sql;
}

const byId = (direction: "asc" | "desc"): QuestionOrder => ({
  ordering: { direction, parse: (text) => (isUuid(text) ? text : null) },
  key: Prisma.sql`question.id::text`,
  columns: Prisma.sql`question.id`,
  value: (id) => Prisma.sql`${id}::uuid`,
});

/** Whoever has no title is found by how the stem begins; where those are alike, the id decides. */
const title = Prisma.sql`lower(left(coalesce(version.title, version.stem), 100))`;
const UUID_LENGTH = 36;

const ORDERS: Record<QuestionSort, QuestionOrder> = {
  NEWEST: byId("desc"), // ids are UUIDv7
  OLDEST: byId("asc"),
  TITLE: {
    ordering: { direction: "asc", parse: (text) => (isUuid(text.slice(0, UUID_LENGTH)) ? text : null) },
    key: Prisma.sql`question.id::text || ${title}`,
    columns: Prisma.sql`(${title}, question.id)`,
    value: (key) => Prisma.sql`(${key.slice(UUID_LENGTH)}::text, ${key.slice(0, UUID_LENGTH)}::uuid)`,
  },
};

/** How the questions of a bank are sorted, and what of a statement finds one page of them. */
export function questionOrder(sort: QuestionSort) {
  const { ordering, key, columns, value } = ORDERS[sort];
  return {
    ordering,
    key,
    /** Which rows are on the page, in which order, and how many. */
    page: ({ where: { id }, orderBy, take }: PageQuery<string>): Prisma.Sql => {
      const after = id?.gt === undefined ? Prisma.empty : Prisma.sql`AND ${columns} > ${value(id.gt)}`;
      const before = id?.lt === undefined ? Prisma.empty : Prisma.sql`AND ${columns} < ${value(id.lt)}`;
      const direction = orderBy.id === "asc" ? Prisma.sql`ASC` : Prisma.sql`DESC`;
      return Prisma.sql`${after} ${before} ORDER BY ${columns} ${direction} LIMIT ${take}`;
    },
  };
}
