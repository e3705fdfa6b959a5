import { Exact } from "../../decimal.ts";
import { QuestionProblem } from "../fileProblem.ts";
import { numberOf } from "./moodleText.ts";

const KINDS: Readonly<Record<string, "text" | "exactText" | "number" | "choice">> = {
  SHORTANSWER: "text",
  SA: "text",
  MW: "text",
  SHORTANSWER_C: "exactText",
  SAC: "exactText",
  MWC: "exactText",
  NUMERICAL: "number",
  NM: "number",
  MULTICHOICE: "choice",
  MC: "choice",
  MULTICHOICE_S: "choice",
  MCS: "choice",
  MULTICHOICE_V: "choice",
  MCV: "choice",
  MULTICHOICE_VS: "choice",
  MCVS: "choice",
  MULTICHOICE_H: "choice",
  MCH: "choice",
  MULTICHOICE_HS: "choice",
  MCHS: "choice",
};

/** How a gap begins. */
export const GAP_START = /\{(\d*):([A-Z_]+):/;
/** What follows, to the next brace that is not escaped. */
const GAP_REST = /((?:\\[\s\S]|[^\\}])*)\}/y;

const MAX_GAPS = 100;

interface Alternative {
  fraction: string;
  text: string;
  feedback: string | null;
}

/**
 * Moodle's embedded answers, https://docs.moodle.org/en/Embedded_Answers_(Cloze)_question_type, as the definition of a
 * text with gaps. @throws QuestionProblem
 */
export function readCloze(text: string): unknown {
  const gaps: unknown[] = [];
  const shown: string[] = [];
  let from = 0;
  for (const start of text.matchAll(new RegExp(GAP_START, "g"))) {
    if (start.index < from) continue; // within the gap before
    GAP_REST.lastIndex = start.index + start[0].length;
    const rest = GAP_REST.exec(text);
    if (!rest) break; // no gap is closed from here on
    const [, weight, kind] = start;
    gaps.push(gapOf(String(gaps.length + 1), weight || "1", kind!, rest[1]!));
    shown.push(text.slice(from, start.index), `[[${gaps.length}]]`);
    from = GAP_REST.lastIndex;
    if (gaps.length > MAX_GAPS) throw new QuestionProblem(`A text has at most ${MAX_GAPS} gaps.`);
  }
  return { text: [...shown, text.slice(from)].join(""), gaps };
}

function gapOf(id: string, weight: string, name: string, answers: string) {
  const kind = Object.hasOwn(KINDS, name) ? KINDS[name] : undefined;
  if (!kind) throw new QuestionProblem(`There are no gaps like Moodle's ${name} here.`);
  const alternatives = alternativesOf(answers);
  const worth = ({ fraction, feedback }: Alternative) => ({ fraction, ...(feedback && { feedback }) });
  if (kind === "choice") {
    const options = alternatives.map((it) => ({ text: it.text, ...worth(it) }));
    return { id, weight, kind, options };
  }
  if (kind === "number") {
    return { id, weight, kind, answers: alternatives.map((it) => ({ ...extent(it.text.trim()), ...worth(it) })) };
  }
  const patterns = alternatives.map((it) => ({ pattern: withoutEntities(it.text), ...worth(it) }));
  return { id, weight, kind: "text", answers: patterns, caseSensitive: kind === "exactText" };
}

function extent(text: string) {
  if (text === "*") return { any: true };
  const [value = "", tolerance = "0"] = text.split(":");
  return {
    value: numberOf(value, "The answer of a gap").toString(),
    tolerance: numberOf(tolerance, "The tolerance of a gap").abs().toString(),
  };
}

/** Parted by `~`; each with what it is worth before it and feedback behind `#`. */
function alternativesOf(answers: string): Alternative[] {
  const parts = splitAt(answers, "~");
  return (parts[0]?.trim() === "" ? parts.slice(1) : parts).map((part) => {
    const [, mark = "", percentage] = /^\s*(=|%(-?\d+(?:[.,]\d*)?)%)/.exec(part) ?? [];
    const fraction =
      percentage === undefined
        ? mark === ""
          ? "0"
          : "1"
        : new Exact(numberOf(percentage, "The weight")).div(100).toString();
    const rest = mark === "" ? part : part.slice(part.indexOf(mark) + mark.length);
    const [text = "", ...feedback] = splitAt(rest, "#");
    return { fraction, text: withoutEscapes(text), feedback: withoutEscapes(feedback.join("#")).trim() || null };
  });
}

/** At each mark that is neither escaped nor part of a character reference. */
function splitAt(text: string, mark: "~" | "#"): string[] {
  const parts = [""];
  for (const piece of text.match(/\\[\s\S]|&#|[\s\S]/g) ?? []) {
    if (piece === mark) parts.push("");
    else parts[parts.length - 1] += piece;
  }
  return parts;
}

const withoutEscapes = (text: string) => text.replace(/\\([}~#/"\\=%{])/g, "$1");

const ENTITIES: Readonly<Record<string, string>> = { lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0", amp: "&" };

/** What is typed is compared as text, and not as HTML. */
const withoutEntities = (text: string) =>
  text.replace(/&(?:#(\d{1,6})|(lt|gt|quot|apos|nbsp|amp));/g, (_whole, code: string | undefined, name: string) =>
    code === undefined ? ENTITIES[name]! : String.fromCodePoint(Number(code)),
  );
