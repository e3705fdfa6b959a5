import { Exact, parseNumber } from "../decimal.ts";
import { QuestionProblem } from "./fileProblem.ts";

/** The numbers an answer holds: `v`, `v:tolerance`, `low..high`, or `*` for any. @throws QuestionProblem */
export function extent(text: string) {
  if (text === "*") return { any: true } as const;
  const [low = "", high, ...more] = text.split("..");
  if (high !== undefined) {
    const [min, max] = [decimal(low, text), decimal(more.length === 0 ? high : "", text)];
    if (new Exact(min).gt(max)) throw new QuestionProblem(`The range ${text} runs from the higher end to the lower.`);
    return { min, max };
  }
  const [value = "", tolerance = "0", ...rest] = text.split(":");
  return { value: decimal(rest.length === 0 ? value : "", text), tolerance: decimal(tolerance, text) };
}

function decimal(part: string, whole: string): string {
  const value = parseNumber(part);
  if (value === null)
    throw new QuestionProblem(`"${whole.slice(0, 40)}" is no number, no number:tolerance and no low..high.`);
  return value.toString();
}
