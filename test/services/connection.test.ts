import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";

import {
  connectionBy,
  connectionOf,
  MAX_PAGE,
  type Ordering,
  type PageArgs,
  type PageQuery,
} from "../../src/services/connection.ts";

const uuid = (index: number) => `019aa000-0000-7000-8000-${String(index).padStart(12, "0")}`;

/** A table in memory that answers a page query as PostgreSQL would. */
function aList(ids: readonly string[]) {
  return {
    find: async ({ where: { id: bounds }, orderBy, take }: PageQuery) =>
      ids
        .filter((id) => (!bounds?.lt || id < bounds.lt) && (!bounds?.gt || id > bounds.gt))
        .sort((a, b) => (orderBy.id === "asc" ? 1 : -1) * (a < b ? -1 : 1))
        .slice(0, take)
        .map((id) => ({ id })),
    count: async () => ids.length,
    id: ({ id }: { id: string }) => id,
    toNode: ({ id }: { id: string }) => id,
  };
}

const page = (ids: readonly string[], args: PageArgs) => connectionOf(args, aList(ids));

describe("a connection", () => {
  it("is walked in both directions, each node exactly once, whatever the size of a page", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 1, max: 25 }), async (count, size) => {
        const ids = Array.from({ length: count }, (_, index) => uuid(index));
        const newestFirst = [...ids].reverse();

        const forwards: string[] = [];
        for (let after: string | null = null, more = true; more; ) {
          const { nodes, pageInfo }: Awaited<ReturnType<typeof page>> = await page(ids, { first: size, after });
          expect(pageInfo.hasPreviousPage).toBe(after !== null);
          forwards.push(...nodes);
          after = pageInfo.endCursor;
          more = pageInfo.hasNextPage;
        }
        expect(forwards).toEqual(newestFirst);

        const backwards: string[] = [];
        for (let before: string | null = null, more = true; more; ) {
          const { nodes, pageInfo }: Awaited<ReturnType<typeof page>> = await page(ids, { last: size, before });
          expect(pageInfo.hasNextPage).toBe(before !== null);
          backwards.unshift(...nodes);
          before = pageInfo.startCursor;
          more = pageInfo.hasPreviousPage;
        }
        expect(backwards).toEqual(newestFirst);
      }),
      { numRuns: 60 },
    );
  });

  it("keeps its place when something newer is added between two pages", async () => {
    const ids = [uuid(1), uuid(2), uuid(3), uuid(4)];
    const first = await page(ids, { first: 2 });
    const second = await page([...ids, uuid(5)], { first: 2, after: first.pageInfo.endCursor });
    expect([...first.nodes, ...second.nodes]).toEqual([uuid(4), uuid(3), uuid(2), uuid(1)]);
  });

  it("may be ordered by another key, the smallest first", async () => {
    const byNumber: Ordering<number> = {
      direction: "asc",
      parse: (text) => (/^\d+$/.test(text) ? Number(text) : null),
    };
    const numbers = Array.from({ length: 23 }, (_, index) => index * 5); // 100 comes after 95, not after 10
    const ofNumbers = (args: PageArgs) =>
      connectionBy(byNumber, args, {
        find: async ({ where: { id: bounds = {} }, orderBy, take }: PageQuery<number>) =>
          numbers
            .filter((key) => key < (bounds.lt ?? Number.POSITIVE_INFINITY) && key > (bounds.gt ?? -1))
            .sort((a, b) => (orderBy.id === "asc" ? a - b : b - a))
            .slice(0, take)
            .map((key) => ({ key })),
        count: async () => numbers.length,
        id: ({ key }) => key,
        toNode: ({ key }) => key,
      });

    const forwards: number[] = [];
    for (let after: string | null = null, more = true; more; ) {
      const { nodes, pageInfo }: Awaited<ReturnType<typeof ofNumbers>> = await ofNumbers({ first: 4, after });
      forwards.push(...nodes);
      after = pageInfo.endCursor;
      more = pageInfo.hasNextPage;
    }
    expect(forwards).toEqual(numbers);

    const backwards: number[] = [];
    for (let before: string | null = null, more = true; more; ) {
      const { nodes, pageInfo }: Awaited<ReturnType<typeof ofNumbers>> = await ofNumbers({ last: 4, before });
      backwards.unshift(...nodes);
      before = pageInfo.startCursor;
      more = pageInfo.hasPreviousPage;
    }
    expect(backwards).toEqual(numbers);
    await expect(ofNumbers({ after: Buffer.from("x").toString("base64url") })).rejects.toMatchObject({
      code: "BAD_USER_INPUT",
    });
  });

  it("has no cursors on an empty page", async () => {
    expect((await page([], {})).pageInfo).toEqual({
      hasNextPage: false,
      hasPreviousPage: false,
      startCursor: null,
      endCursor: null,
    });
  });

  it.each([
    ["no size", { first: 0 }, "first"],
    ["a negative size", { last: -1 }, "last"],
    ["too many", { first: MAX_PAGE + 1 }, "first"],
    ["both directions", { first: 1, last: 1 }, "last"],
    ["a cursor that is none", { after: "nonsense" }, "after"],
    ["a cursor of another list", { before: Buffer.from("page:3").toString("base64url") }, "before"],
  ])("refuses %s", async (_what, args, path) => {
    await expect(page([uuid(1)], args)).rejects.toMatchObject({ code: "BAD_USER_INPUT", fields: [{ path }] });
  });
});
