import { createHash } from "node:crypto";
import { afterEach, describe, expect, it } from "@jest/globals";
import { parse } from "graphql";
import { createShedOrders, MUTATION_ORDER, shedOrderOf } from "../../src/apollo/shedOrder.ts";
import { createLoadShedding } from "../../src/middlewares/loadShedding.ts";
import { printedSchema } from "../../tools/printSchema.ts";
import { eventually } from "../support/eventually.ts";
import { aKeptLog } from "../support/logLines.ts";

const orderOf = (query: string, operationName?: string) => createShedOrders().of({ query, operationName });

describe("when an operation is refused", () => {
  it.each([
    ["{ me { id } }", "FIRST"],
    ["query ($id: ID!) { attempt(id: $id) { status } }", "FIRST"],
    ["subscription { attemptChanged(id: 1) { status } }", "FIRST"],
    ["mutation { recordWatchProgress { ok } }", "FIRST"],
    ["mutation ($a: ID!) { saveAnswers(attemptId: $a, answers: []) { deadlineAt } }", "SECOND"],
    ["mutation { startAttempt(examId: 1) { id } }", "SECOND"],
    ["mutation { anythingElse { id } }", "SECOND"],
    ["mutation { submitAttempt(attemptId: 1) { id } }", "NEVER"],
    ["mutation { refreshSession { accessToken } }", "NEVER"],
    ["mutation { saveAnswers { deadlineAt } handIn: submitAttempt(attemptId: 1) { id } }", "NEVER"],
    ["mutation { ...All } fragment All on Mutation { submitAttempt(attemptId: 1) { id } }", "NEVER"],
    ["what is this?", "FIRST"],
    ["", "FIRST"],
  ])("%s goes %s", (query, order) => {
    expect(orderOf(query)).toBe(order);
    if (query.includes("{")) expect(shedOrderOf(parse(query), null)).toBe(order);
  });

  it("is decided by the operation that is named, where there are several", () => {
    const two = "query Read { me { id } } mutation HandIn { submitAttempt(attemptId: 1) { id } }";
    expect([orderOf(two, "Read"), orderOf(two, "HandIn"), orderOf(two), orderOf(two, "None")]).toEqual([
      ...["FIRST", "NEVER", "FIRST", "FIRST"],
    ]);
  });

  it("is known of one that is sent by its hash alone, once it was run", () => {
    const orders = createShedOrders();
    const query = "query Me { me { id } }";
    const sha256Hash = createHash("sha256").update(query).digest("hex");
    const byHash = { extensions: { persistedQuery: { version: 1, sha256Hash } } };
    expect(orders.of(byHash)).toBe("NEVER"); // it could be a submission
    orders.learn(sha256Hash, parse(query));
    expect(orders.of(byHash)).toBe("FIRST");
  });

  it.each([null, "text", 7, [], { query: 7 }, { extensions: null }])(
    "is FIRST for what is no operation: %p",
    (body) => {
      expect(createShedOrders().of(body)).toBe("FIRST");
    },
  );

  it("is said only of mutations that there are", () => {
    for (const name of Object.keys(MUTATION_ORDER)) expect(printedSchema()).toMatch(new RegExp(`^  ${name}\\b`, "m"));
  });
});

describe("a server whose event loop is blocked", () => {
  const nobody = { waiting: () => 0, served: () => 0 };
  let shedding: ReturnType<typeof createLoadShedding>;
  afterEach(() => shedding.stop());

  /** As a computation does that nobody cut into pieces. */
  function compute(ms: number): void {
    const end = performance.now() + ms;
    while (performance.now() < end);
  }

  it("refuses reads with a time to come back, says so once, and takes them again when it is over", async () => {
    const kept = aKeptLog();
    shedding = createLoadShedding({ isOn: true, lines: { pool: nobody, saves: nobody }, log: kept.log });
    expect(shedding.refusalOf("FIRST")).toBeNull();
    const giveUp = performance.now() + 30_000;
    while (!shedding.isShedding() && performance.now() < giveUp) {
      compute(1_300);
      await new Promise((resolve) => setImmediate(resolve)); // one turn of the loop, and no rest
    }
    expect(shedding.isShedding()).toBe(true);
    const refusals = Array.from({ length: 50 }, () => shedding.refusalOf("FIRST")!);
    for (const { code, reason, retryAfter } of refusals) {
      expect([code, reason]).toEqual(["SERVICE_UNAVAILABLE", "OVERLOADED"]);
      expect([1, 2, 3, 4, 5]).toContain(retryAfter);
    }
    expect(new Set(refusals.map(({ retryAfter }) => retryAfter)).size).toBeGreaterThan(1);
    expect(shedding.refusalOf("NEVER")).toBeNull();
    expect(shedding.counts().readCount).toBe(50);

    await eventually("it is over", () => !shedding.isShedding(), 60_000);
    expect(shedding.refusalOf("FIRST")).toBeNull();
    const { lines } = kept;
    expect(lines.at(0)).toMatchObject({ level: 40, from: "NORMAL", to: "READS" });
    expect(lines.at(0)!.loopMs).toBeGreaterThan(1_000);
    expect(lines.at(-1)).toMatchObject({ level: 30, to: "NORMAL", refused: { readCount: 50 } });
  });
});
