import { expect, it } from "@jest/globals";
import { warningsOf } from "../../../src/domain/statistics/questionWarnings.ts";

const enough = { persons: 25, facility: 0.5, discriminativeEfficiency: 0.4 };

it.each([
  ["is as it should be", {}, []],
  ["is got wrong by the best", { discriminativeEfficiency: -0.01 }, ["NEGATIVE_DISCRIMINATION"]],
  ["hardly tells people apart", { discriminativeEfficiency: 0.149 }, ["LOW_DISCRIMINATION"]],
  ["tells people apart well enough", { discriminativeEfficiency: 0.15 }, []],
  ["is right for nearly nobody", { facility: 0.05 }, ["VERY_HARD"]],
  ["takes points from most", { facility: -0.2 }, ["VERY_HARD"]],
  ["is right for nearly everybody", { facility: 0.95 }, ["VERY_EASY"]],
  ["has two faults", { facility: 0, discriminativeEfficiency: -1 }, ["NEGATIVE_DISCRIMINATION", "VERY_HARD"]],
  ["nobody differs in", { facility: 1, discriminativeEfficiency: null }, ["VERY_EASY"]],
  [
    "too few had to say how it tells them apart",
    { persons: 24, facility: 0, discriminativeEfficiency: -1 },
    ["VERY_HARD"],
  ],
  ["hardly anybody had", { persons: 9, facility: 0, discriminativeEfficiency: -1 }, []],
  ["nobody had", { persons: 0, facility: null, discriminativeEfficiency: null }, []],
])("knows what to say of a question that %s", (_which, changes, warnings) => {
  expect(warningsOf({ ...enough, ...changes })).toEqual(warnings);
});
