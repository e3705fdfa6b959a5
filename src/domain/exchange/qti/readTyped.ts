import { QuestionProblem } from "../fileProblem.ts";
import type { ResponseDeclaration } from "./item.ts";
import type { ReadContext } from "./readContext.ts";
import type { GapWorth } from "./readGaps.ts";
import { type NumberProbe, numberBounds, numberProbes, typedText } from "./typedAnswers.ts";

export const SPACES_NOTE =
  "White space at the ends of what is typed does not count here, and a run of it counts as one blank.";

/** Accepted texts from what each text the item knows earns. */
export function readTypedText(
  { probes, feedback }: GapWorth,
  fractions: string[],
  declaration: ResponseDeclaration,
  { scorer, changed }: ReadContext,
) {
  const { isCaseSensitive } = typedText(scorer.item, declaration);
  if (!changed.includes(SPACES_NOTE)) changed.push(SPACES_NOTE);
  const answers = new Map<string, { pattern: string; fraction: string; feedback: string | undefined }>();
  probes.slice(0, -1).forEach((probe, at) => {
    const text = probe.replace(/\s+/g, " ").trim();
    const key = (isCaseSensitive ? text : text.toUpperCase()).normalize("NFC");
    const answer = { pattern: text.replaceAll("*", "\\*"), fraction: fractions[at]!, feedback: feedback[at] };
    const same = answers.get(key);
    if (same && same.fraction !== answer.fraction)
      throw new QuestionProblem(
        "Two of its answers differ only in what does not count here: blanks, or the way letters are composed.",
      );
    if (!same) answers.set(key, answer);
  });
  const rest = { pattern: "*", fraction: fractions.at(-1)!, feedback: feedback.at(-1) };
  const all = [...answers.values(), ...(rest.fraction !== "0" || rest.feedback ? [rest] : [])];
  return { answers: all, caseSensitive: isCaseSensitive };
}

interface Worth {
  fraction: string;
  feedback: string | undefined;
}
type WorthProbe = NumberProbe & Worth;

const isSameWorth = (a: Worth, b: Worth) => a.fraction === b.fraction && a.feedback === b.feedback;
const isNothing = ({ fraction, feedback }: Worth) => fraction === "0" && feedback === undefined;
const worthOf = ({ fraction, feedback }: Worth): Worth => ({ fraction, feedback });
const single = (probe: WorthProbe) => ({ value: probe.at.toString(), ...worthOf(probe) });

/** Accepted numbers from what the numbers at and between the bounds earn: numbers alone first, then ranges. */
export function readTypedNumber(
  gap: GapWorth,
  fractions: string[],
  declaration: ResponseDeclaration,
  { scorer }: ReadContext,
) {
  const all = numberProbes(numberBounds(scorer.item, declaration)).map((probe, at): WorthProbe => {
    return { ...probe, fraction: fractions[at]!, feedback: gap.feedback[at] };
  });
  const beyond = all[0]!;
  if (!isSameWorth(beyond, all.at(-1)!))
    throw new QuestionProblem("All numbers beyond a limit are right, which has no answer here.");
  const [numbers, ranges]: [object[], object[]] = [[], []];
  for (let from = 1, to: number; from < all.length - 1; from = to) {
    const start = all[from]!;
    to = from + 1;
    while (to < all.length - 1 && isSameWorth(all[to]!, start)) to += 1;
    const end = all[to - 1]!;
    if (isSameWorth(start, beyond) && to - from > 1) continue;
    if (to - from === 1 && start.isBound) {
      numbers.push(single(start));
      continue;
    }
    // An end that does not belong to the range is a number of its own, which is asked first.
    const [low, high] = [start.isBound ? start : all[from - 1]!, end.isBound ? end : all[to]!];
    numbers.push(...[low, high].filter((it) => it !== start && it !== end).map(single));
    ranges.push({ min: low.at.toString(), max: high.at.toString(), ...worthOf(start) });
  }
  return { answers: [...numbers, ...ranges, ...(isNothing(beyond) ? [] : [{ any: true, ...worthOf(beyond) }])] };
}
