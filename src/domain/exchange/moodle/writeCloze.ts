import { QuestionProblem } from "../fileProblem.ts";
import { nominalAnswers, patternAnswers, percent, requireNoPenalty } from "../plainKeys.ts";
import type { Definitions } from "../typedQuestion.ts";
import { GAP_START } from "./cloze.ts";

type Gap = Definitions["GAP_FILL"]["gaps"][number];

/** A text with gaps as Moodle's embedded answers. @throws QuestionProblem for what they cannot hold */
export function writeCloze({ text, gaps, floor, ...rest }: Definitions["GAP_FILL"]): string {
  requireNoPenalty(rest);
  if (floor !== "0") throw new QuestionProblem("In Moodle gaps cannot take points down below 0.");
  if (GAP_START.test(text)) throw new QuestionProblem("The text holds what Moodle takes for a gap.");
  const written = new Map(gaps.map((gap) => [`[[${gap.id}]]`, gapText(gap)]));
  return text.replace(/\[\[([\w-]{1,64})\]\]/g, (place) => {
    const gap = written.get(place);
    if (gap === undefined) throw new QuestionProblem(`The text holds ${place}, which looks like a gap.`);
    return gap;
  });
}

function gapText(gap: Gap): string {
  if (!/^\d+$/.test(gap.weight)) throw new QuestionProblem("In Moodle the weight of a gap is a whole number.");
  return `{${gap.weight}:${answersOf(gap)}}`;
}

function answersOf(gap: Gap): string {
  if (gap.kind === "choice") {
    const options = gap.options.map(({ text, fraction, feedback }) => alternative(escaped(text), fraction, feedback));
    return `MULTICHOICE:${options.join("~")}`;
  }
  if (gap.kind === "text") {
    const answers = patternAnswers(gap).map(({ pattern, fraction, feedback }) =>
      alternative(escaped(asHtml(pattern)), fraction, feedback),
    );
    return `SHORTANSWER${gap.caseSensitive ? "_C" : ""}:${answers.join("~")}`;
  }
  if ((gap.units ?? []).length > 0) throw new QuestionProblem("In Moodle numbers in gaps have no units.");
  const numbers = nominalAnswers(gap).map((key) =>
    alternative("any" in key ? "*" : `${key.value}:${key.tolerance}`, key.fraction, key.feedback),
  );
  return `NUMERICAL:${numbers.join("~")}`;
}

const alternative = (text: string, fraction: string, feedback: string | undefined) =>
  `${fraction === "1" ? "=" : `%${percent(fraction)}%`}${text}${feedback?.trim() ? `#${escaped(feedback)}` : ""}`;

const escaped = (text: string) => text.replace(/[\\}~#]/g, "\\$&");
const asHtml = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
