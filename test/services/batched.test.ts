import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { batchedWrites } from "../../src/services/batched.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
  await app.container.db.$executeRaw`CREATE TABLE sheets (number int PRIMARY KEY CHECK (number >= 0))`;
});
afterAll(() => app.close());

/** Writes numbers into a table of PostgreSQL's, and notes how many went in each statement. */
function aWriter() {
  const { db } = app.container;
  const sizes: number[] = [];
  const write = batchedWrites(async (numbers: readonly number[]) => {
    sizes.push(numbers.length);
    await db.$executeRaw`INSERT INTO sheets SELECT unnest(${numbers}::int[])`;
    return numbers.map(String);
  });
  return { write, sizes };
}

const stored = async () =>
  (await app.container.db.$queryRaw<{ number: number }[]>`SELECT number FROM sheets ORDER BY number`).map(
    ({ number }) => number,
  );

describe("writes that come in the same moment", () => {
  it("go in one statement, and each gets its own outcome", async () => {
    const { write, sizes } = aWriter();
    expect(await Promise.all([1, 2, 3].map(write))).toEqual(["1", "2", "3"]);
    expect(sizes).toEqual([3]);
    expect(await stored()).toEqual([1, 2, 3]);
  });

  it("do not fail for one among them that the database cannot take", async () => {
    const { write } = aWriter();
    const outcomes = await Promise.allSettled([11, -1, 12, 1].map(write));
    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled", "rejected"]);
    expect(await stored()).toEqual([1, 2, 3, 11, 12]);
  });
});
