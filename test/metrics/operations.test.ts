import { describe, expect, it } from "@jest/globals";
import { getOperationAST, parse } from "graphql";
import { createSchema } from "../../src/apollo/schema.ts";
import { createMetrics } from "../../src/metrics/metrics.ts";
import { createOperationMeters } from "../../src/metrics/operations.ts";
import { Samples } from "../support/samples.ts";

const schema = createSchema();

function meteredSchema() {
  const metrics = createMetrics();
  const meters = createOperationMeters(metrics, schema);
  return {
    /** As if the operation had been answered in this time. */
    answer(text: string, ms = 1, code?: string) {
      const document = parse(text);
      meters.of(document, getOperationAST(document)!).answered(ms, code);
    },
    samples: async () => new Samples(await metrics.text()),
  };
}

describe("an operation", () => {
  it.each([
    ["{ me { id } }", "query", "me"],
    ["query Mine { mine: me { id } again: me { name } __typename }", "query", "me"],
    ["query { ...Part } fragment Part on Query { ... on Query { me { id } } }", "query", "me"],
    ["{ me { id } questionTypes { name } }", "query", "several"],
    ["mutation { logout }", "mutation", "logout"],
    ["{ __schema { types { name } } }", "query", "introspection"],
    ["{ __typename }", "query", "none"],
  ])("is named by what it asks for: %s", async (text, type, operation) => {
    const { answer, samples } = meteredSchema();
    answer(text);
    expect((await samples()).value("lectern_graphql_duration_seconds_count", { type, operation })).toBe(1);
  });

  it("makes no new series by a name, an alias or a text of its own", async () => {
    const { answer, samples } = meteredSchema();
    answer("query First { me { id } }", 1, "FORBIDDEN");
    const { series } = await samples();
    for (let index = 0; index < 1_000; index++)
      answer(`query Name${index} { alias${index}: me { id } }`, index, "FORBIDDEN");
    const after = await samples();
    expect(after.series).toEqual(series);
    expect(after.value("lectern_graphql_errors_total", { operation: "me", code: "FORBIDDEN" })).toBe(1_001);
  });

  it("falls into the bucket of its duration, and adds to the sum", async () => {
    const { answer, samples } = meteredSchema();
    for (const ms of [0.4, 1, 3, 400, 60_000]) answer("{ me { id } }", ms);
    const found = await samples();
    const upTo = (le: string) => found.value("lectern_graphql_duration_seconds_bucket", { operation: "me", le });
    expect([upTo("0.001"), upTo("0.0025"), upTo("0.005"), upTo("0.5"), upTo("10"), upTo("+Inf")]).toEqual([
      2, 2, 3, 4, 4, 5,
    ]);
    expect(found.value("lectern_graphql_duration_seconds_sum", { operation: "me" })).toBeCloseTo(60.4044);
  });
});
