import { badInput } from "../domain/errors.ts";
import { isUuid } from "./ids.ts";

export interface PageArgs {
  first?: number | null;
  after?: string | null;
  last?: number | null;
  before?: string | null;
}

export interface Connection<Node> {
  nodes: Node[];
  edges: { cursor: string; node: Node }[];
  pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string | null; endCursor: string | null };
  /** Counted only when the client asks. */
  countAll: () => Promise<number>;
}

/** Prisma arguments of one page: newest first by id, one row more than asked so that the next page is known. */
export interface PageQuery {
  where: { id?: { lt?: string; gt?: string } };
  orderBy: { id: "asc" | "desc" };
  take: number;
}

export const DEFAULT_PAGE = 20;
export const MAX_PAGE = 200;

const encodeCursor = (id: string) => Buffer.from(id).toString("base64url");

function decodeCursor(cursor: string, path: string): string {
  const id = Buffer.from(cursor, "base64url").toString();
  if (!isUuid(id))
    throw badInput(`${path} is not a cursor of this list.`, [{ path, message: "is not a cursor of this list" }]);
  return id;
}

function pageSize(size: number, path: string): number {
  if (!Number.isInteger(size) || size < 1 || size > MAX_PAGE)
    throw badInput(`${path} must be 1 to ${MAX_PAGE}.`, [{ path, message: `must be 1 to ${MAX_PAGE}` }]);
  return size;
}

/**
 * The one maker of connections: keyset pages ordered by id, newest first (ids are UUIDv7, so that is by creation).
 * @throws BAD_USER_INPUT for a size out of range, a foreign cursor, or `first` together with `last`.
 */
export async function connectionOf<Row extends object, Node>(
  args: PageArgs,
  source: {
    find: (page: PageQuery) => Promise<Row[]>;
    count: () => Promise<number>;
    id: (row: Row) => string;
    toNode: (row: Row) => Node;
  },
): Promise<Connection<Node>> {
  if (args.first != null && args.last != null)
    throw badInput("Ask for first or for last, not both.", [{ path: "last", message: "not together with first" }]);
  const backwards = args.last != null;
  const size = backwards ? pageSize(args.last!, "last") : pageSize(args.first ?? DEFAULT_PAGE, "first");
  const older = args.after == null ? undefined : decodeCursor(args.after, "after");
  const newer = args.before == null ? undefined : decodeCursor(args.before, "before");
  const bounds = { ...(older && { lt: older }), ...(newer && { gt: newer }) };
  const rows = await source.find({
    where: older || newer ? { id: bounds } : {},
    orderBy: { id: backwards ? "asc" : "desc" },
    take: size + 1,
  });
  const more = rows.length > size;
  const page = rows.slice(0, size);
  if (backwards) page.reverse();
  const edges = page.map((row) => ({ cursor: encodeCursor(source.id(row)), node: source.toNode(row) }));
  return {
    nodes: edges.map(({ node }) => node),
    edges,
    pageInfo: {
      hasNextPage: backwards ? newer !== undefined : more,
      hasPreviousPage: backwards ? more : older !== undefined,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
    countAll: source.count,
  };
}
