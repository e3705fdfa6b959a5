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

/** Prisma arguments of one page, one row more than asked so that the next page is known. */
export interface PageQuery<Key = string> {
  where: { id?: { lt?: Key; gt?: Key } };
  orderBy: { id: "asc" | "desc" };
  take: number;
}

/** Where the rows of a list come from. */
export interface ConnectionSource<Row, Node, Key = string> {
  find: (page: PageQuery<Key>) => Promise<Row[]>;
  count: () => Promise<number>;
  id: (row: Row) => Key;
  toNode: (row: Row) => Node;
}

/** What a list is ordered by. */
export interface Ordering<Key> {
  direction: "asc" | "desc";
  /** The key that a cursor holds; null for a text that is none. */
  parse: (text: string) => Key | null;
}

export const DEFAULT_PAGE = 20;
export const MAX_PAGE = 200;

/** Ids are UUIDv7, so that is by creation. */
const NEWEST_FIRST: Ordering<string> = { direction: "desc", parse: (text) => (isUuid(text) ? text : null) };

const encodeCursor = (key: unknown) => Buffer.from(String(key)).toString("base64url");

function decodeCursor<Key>(cursor: string, path: string, { parse }: Ordering<Key>): Key {
  const key = parse(Buffer.from(cursor, "base64url").toString());
  if (key === null)
    throw badInput(`${path} is not a cursor of this list.`, [{ path, message: "is not a cursor of this list" }]);
  return key;
}

function pageSize(size: number, path: string): number {
  if (!Number.isInteger(size) || size < 1 || size > MAX_PAGE)
    throw badInput(`${path} must be 1 to ${MAX_PAGE}.`, [{ path, message: `must be 1 to ${MAX_PAGE}` }]);
  return size;
}

/**
 * A list ordered by id, the newest first.
 * @throws BAD_USER_INPUT for a size out of range, a foreign cursor, or `first` together with `last`.
 */
export const connectionOf = <Row extends object, Node>(
  args: PageArgs,
  source: ConnectionSource<Row, Node>,
): Promise<Connection<Node>> => connectionBy(NEWEST_FIRST, args, source);

/**
 * The one maker of connections: keyset pages in any order that a key gives.
 * @throws BAD_USER_INPUT for a size out of range, a foreign cursor, or `first` together with `last`.
 */
export async function connectionBy<Row extends object, Node, Key>(
  ordering: Ordering<Key>,
  args: PageArgs,
  source: ConnectionSource<Row, Node, Key>,
): Promise<Connection<Node>> {
  if (args.first != null && args.last != null)
    throw badInput("Ask for first or for last, not both.", [{ path: "last", message: "not together with first" }]);
  const backwards = args.last != null;
  const size = backwards ? pageSize(args.last!, "last") : pageSize(args.first ?? DEFAULT_PAGE, "first");
  const after = args.after == null ? undefined : decodeCursor(args.after, "after", ordering);
  const before = args.before == null ? undefined : decodeCursor(args.before, "before", ordering);
  const isDescending = ordering.direction === "desc";
  const [lt, gt] = isDescending ? [after, before] : [before, after];
  const bounds = { ...(lt !== undefined && { lt }), ...(gt !== undefined && { gt }) };
  const rows = await source.find({
    where: after !== undefined || before !== undefined ? { id: bounds } : {},
    orderBy: { id: isDescending === backwards ? "asc" : "desc" },
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
      hasNextPage: backwards ? before !== undefined : more,
      hasPreviousPage: backwards ? more : after !== undefined,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
    countAll: source.count,
  };
}
