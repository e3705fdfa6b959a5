import { describe, expect, it } from "@jest/globals";
import { alertRules, prometheusIsMissing, promtool, testedExpressions } from "../support/prometheus.ts";

const rules = alertRules();

describe("the alert rules", () => {
  it.each(rules)("say of $alert what it is, what it means and what to do", ({ labels, annotations }) => {
    expect(["critical", "warning"]).toContain(labels.severity);
    expect(annotations).toEqual({
      summary: expect.stringMatching(/\S/),
      description: expect.stringMatching(/\S/),
      remedy: expect.stringMatching(/\S/),
    });
  });

  it.each(rules)("have a test in which $alert fires, and one in which it does not", ({ alert }) => {
    const fires = testedExpressions()
      .filter(({ expr }) => expr.includes(`alertname="${alert}"`))
      .map((test) => test.fires);
    expect(fires.sort()).toEqual([false, true]);
  });
});

const withPrometheus = prometheusIsMissing ? describe.skip : describe;
withPrometheus(`promtool${prometheusIsMissing ? ` (${prometheusIsMissing})` : ""}`, () => {
  it("finds the configuration and the rules in order", async () => {
    expect(await promtool(["check", "config", "prometheus.yml"])).toContain("SUCCESS");
    expect(await promtool(["check", "rules", "rules.yml"])).toContain(`${rules.length} rules found`);
  });

  it("finds that every alert fires when it should and only then", async () => {
    expect(await promtool(["test", "rules", "rules.test.yml"])).toContain("SUCCESS");
  }, 180_000); // a database on disk for each test
});
