import { QuestionProblem } from "./fileProblem.ts";
import { fileText, linesOf } from "./fileText.ts";
import { MAX_QUESTION_LENGTH, QUESTION_TOO_LONG } from "./limits.ts";
import { lostHere, lostOutcomes, requireNoPenalty, singleWorth } from "./plainKeys.ts";
import type { ImportedQuestion, QuestionFormat, ReadEntry } from "./questionFormat.ts";
import { takeQuestion } from "./takeQuestion.ts";
import { typed } from "./typedQuestion.ts";
import { type WriteQuestion, writeEach } from "./writeEach.ts";

const OPTION = /^([A-Z])[).](?:\s+(.*))?$/;
const ANSWER = /^ANSWER:\s*(.*)$/;
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/** What has been read of a question so far. */
interface Open {
  line: number;
  stem: string[];
  options: { letter: string; text: string }[];
  length: number;
  /** A blank line ends a stem. */
  isStemClosed: boolean;
}

/** A stem, lettered options and the letter of the right one, https://docs.moodle.org/en/Aiken_format. */
export const aiken = {
  name: "AIKEN",
  description: "The Aiken text format: single choices, in plain text.",
  fileEnding: "txt",
  contentType: "text/plain; charset=utf-8",

  async *read(source) {
    let open: Open | null = null;
    for await (const { number: line, text } of linesOf(fileText(source))) {
      const trimmed = text.trim();
      const [answer, option] = [ANSWER.exec(trimmed), OPTION.exec(trimmed)];
      if (open) open.length += text.length + 1;
      if (trimmed === "") {
        if (open) open.isStemClosed = true;
      } else if (answer) {
        yield toEntry(open ?? begin(line), answer[1]!);
        open = null;
      } else if (option) {
        open ??= begin(line);
        if (open.length <= MAX_QUESTION_LENGTH) open.options.push({ letter: option[1]!, text: option[2] ?? "" });
      } else if (open && open.options.length === 0 && !open.isStemClosed) {
        if (open.length <= MAX_QUESTION_LENGTH) open.stem.push(trimmed);
      } else {
        if (open) yield toEntry(open, null);
        open = { ...begin(line), stem: [trimmed], length: text.length };
      }
    }
    if (open) yield toEntry(open, null);
  },

  write: (questions, report) => writeEach(questions, report, writeAiken),
} as const satisfies QuestionFormat;

const begin = (line: number): Open => ({ line, stem: [], options: [], length: 0, isStemClosed: false });

/** @param answer null if there was no line for it */
function toEntry({ line, stem, options, length }: Open, answer: string | null): ReadEntry {
  const text = stem.join("\n");
  return takeQuestion({ line, title: null, text: text || (options[0]?.text ?? `ANSWER: ${answer}`) }, () => {
    if (length > MAX_QUESTION_LENGTH) throw new QuestionProblem(QUESTION_TOO_LONG);
    if (text === "") throw new QuestionProblem("There is no question above the options.");
    if (options.length === 0)
      throw new QuestionProblem("The question has no options; begin each with a letter, like A) or A.");
    if (answer === null)
      throw new QuestionProblem("The question has no line ANSWER: with the letter of the right option.");
    const letters = options.map(({ letter }) => letter);
    if (new Set(letters).size < letters.length) throw new QuestionProblem("Two options have the same letter.");
    const right = /^([A-Za-z])[).]?$/.exec(answer.trim())?.[1]?.toUpperCase();
    if (!right)
      throw new QuestionProblem(
        `"ANSWER: ${answer.slice(0, 40)}" does not name one letter; Aiken has one right option.`,
      );
    if (!letters.includes(right)) throw new QuestionProblem(`There is no option ${right}, which the ANSWER names.`);
    return {
      type: "SINGLE_CHOICE",
      definition: {
        options: options.map((option) => ({ text: option.text, fraction: option.letter === right ? "1" : "0" })),
      },
      title: null,
      stem: text,
      stemFormat: "PLAIN",
      feedback: null,
      tags: [],
      changed: [],
    };
  });
}

const inOneLine = (text: string) => text.replace(/\s+/g, " ").trim();

const writeAiken: WriteQuestion = (question, lost) => {
  const { options, right } = choiceOf(question, lost);
  const stem = inOneLine(question.stem);
  if (OPTION.test(stem) || ANSWER.test(stem))
    throw new QuestionProblem("The question begins like an option or an answer of Aiken.");
  if (options.length > LETTERS.length) throw new QuestionProblem(`Aiken has letters for ${LETTERS.length} options.`);
  lost.push(...lossesOf(question), ...lostOutcomes(question));
  if ([question.stem, ...options].some((text) => /[\r\n]/.test(text.trim()))) lost.push("Line breaks became blanks.");
  const lines = options.map((text, at) => `${LETTERS[at]}) ${inOneLine(text)}`);
  return `${[stem, ...lines, `ANSWER: ${LETTERS[right]}`].join("\n")}\n\n`;
};

function choiceOf(question: ImportedQuestion, lost: string[]): { options: string[]; right: number } {
  const it = typed(question);
  if (it.type === "TRUE_FALSE") {
    requireNoPenalty(it.definition);
    lost.push("It became a choice between True and False.");
    if (it.definition.feedbackTrue || it.definition.feedbackFalse) lost.push("The feedback on the options.");
    return { options: ["True", "False"], right: it.definition.correct ? 0 : 1 };
  }
  if (it.type !== "SINGLE_CHOICE") throw new QuestionProblem(`Aiken has no questions like ${it.type}.`);
  const { options } = it.definition;
  const right = options.findIndex(({ fraction }) => fraction === "1");
  if (singleWorth(it.definition).some((worth, at) => at !== right && worth !== "0"))
    throw new QuestionProblem("In Aiken one option is worth all and the others nothing.");
  if (options.some(({ feedback }) => feedback)) lost.push("The feedback on the options.");
  lost.push(...lostHere(options));
  return { options: options.map(({ text }) => text), right };
}

function* lossesOf({ title, stemFormat, points, feedback, tags }: ImportedQuestion): Generator<string> {
  if (title) yield `The title "${title}".`;
  if (stemFormat !== "PLAIN") yield `The format ${stemFormat}: the text is shown as it stands.`;
  if (points !== "1") yield `Aiken has no points; these were ${points}.`;
  if (feedback) yield "The feedback.";
  if (tags.length > 0) yield `The tags ${tags.join(", ")}.`;
}
