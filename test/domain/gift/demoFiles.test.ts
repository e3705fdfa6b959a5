import { readFileSync } from "node:fs";
import { describe, expect, it } from "@jest/globals";
import { importGift } from "../../../src/domain/gift/importGift.ts";
import { parseDefinition, questionTypes } from "../../../src/domain/questionTypes.ts";

const importDemo = (name: string) =>
  importGift(readFileSync(new URL(`../../../prisma/demo/${name}.gift`, import.meta.url), "utf8"));

describe("the demo's question files", () => {
  it("hold 50 questions with titles of their own, none refused or changed", () => {
    const { taken, refused } = importDemo("world-knowledge");
    expect(refused).toEqual([]);
    expect(taken).toHaveLength(50);
    expect(new Set(taken.map(({ title }) => title)).size).toBe(50);
    expect(taken.flatMap(({ changed }) => changed)).toEqual([]);
  });

  it("hold one question of every type", () => {
    const { taken, refused } = importDemo("every-type");
    expect(refused).toEqual([]);
    const more = JSON.parse(readFileSync(new URL("../../../prisma/demo/more-types.json", import.meta.url), "utf8")) as {
      type: string;
      definition: unknown;
    }[];
    for (const { type, definition } of more) parseDefinition(type, definition);
    const types = [...taken.map(({ question }) => question.type), ...more.map(({ type }) => type)];
    expect(types.sort()).toEqual(Object.keys(questionTypes).sort());
  });
});
