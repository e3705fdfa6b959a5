import { Exact } from "../../decimal.ts";
import { acceptedKind } from "../../fileKinds.ts";
import { MAX_ANSWER_FILE_BYTES, MAX_FILES } from "../../questionTypes/fileUpload.ts";
import type { QuestionTypeName } from "../../questionTypes.ts";
import { QuestionProblem } from "../fileProblem.ts";
import { matchingOf } from "../matchingPairs.ts";
import { childOf, childrenOf, type XmlElement } from "../xmlElements.ts";
import { feedbackOf, fractionOf, isTrue, numberOf, textIn, textOf } from "./moodleText.ts";

/** As precise as a factor that does not end is kept. */
export const FACTOR_DIGITS = 40;

export interface ReadDefinition {
  type: QuestionTypeName;
  definition: unknown;
}
/** What is not kept goes to `changed`, a sentence each. @throws QuestionProblem */
type Read = (question: XmlElement, changed: string[]) => ReadDefinition;

/** By the name Moodle has for the type; `cloze` is read by itself. */
export const readDefinition: Readonly<Record<string, Read>> = {
  multichoice(question) {
    const pinned = isTrue(question, "shuffleanswers") === false ? { pinned: true } : {};
    const options = childrenOf(question, "answer").map((answer) => ({
      text: textOf(answer),
      fraction: fractionOf(answer),
      ...feedbackOf(answer),
      ...pinned,
    }));
    const isSingle = isTrue(question, "single") ?? true;
    return { type: isSingle ? "SINGLE_CHOICE" : "MULTIPLE_CHOICE", definition: { options } };
  },

  truefalse(question) {
    const answer = (name: string) => childrenOf(question, "answer").find((it) => textOf(it).toLowerCase() === name);
    const [right, wrong] = [answer("true"), answer("false")];
    if (!right || !wrong) throw new QuestionProblem("A true/false question needs the answers true and false.");
    const by = new Exact(fractionOf(right)).comparedTo(fractionOf(wrong));
    if (by === 0) throw new QuestionProblem("True and false are worth the same; one of them must be right.");
    const [feedbackTrue, feedbackFalse] = [feedbackOf(right).feedback, feedbackOf(wrong).feedback];
    const definition = {
      correct: by > 0,
      ...(feedbackTrue && { feedbackTrue }),
      ...(feedbackFalse && { feedbackFalse }),
    };
    return { type: "TRUE_FALSE", definition };
  },

  shortanswer: (question) => ({
    type: "SHORT_TEXT",
    definition: {
      answers: childrenOf(question, "answer").map((answer) => ({
        pattern: textOf(answer),
        fraction: fractionOf(answer),
        ...feedbackOf(answer),
      })),
      caseSensitive: isTrue(question, "usecase") ?? false,
    },
  }),

  numerical: (question, changed) => ({
    type: "NUMERIC",
    definition: { answers: childrenOf(question, "answer").map(numberAnswer), ...unitsOf(question, changed) },
  }),

  matching(question) {
    const pairs = childrenOf(question, "subquestion")
      .map((pair) => ({ left: textOf(pair), right: textIn(pair, "answer") }))
      .filter(({ left, right }) => left !== "" || right !== "");
    return { type: "MATCHING", definition: matchingOf(pairs) };
  },

  ordering(question, changed) {
    const items = childrenOf(question, "answer")
      .map((answer) => ({ answer, place: new Exact(fractionOf(answer)) }))
      .sort((a, b) => a.place.comparedTo(b.place));
    if (/^(random|contiguous|1|2)$/i.test(textIn(question, "selecttype")))
      changed.push("Moodle shows some of the items only; here all of them are to be put in order.");
    const definition = {
      items: items.map(({ answer }) => ({ text: textOf(answer), ...feedbackOf(answer) })),
      scoring: orderScoring(textIn(question, "gradingtype"), changed),
    };
    return { type: "ORDERING", definition };
  },

  essay(question, changed) {
    const guidance = textIn(question, "graderinfo");
    if (textIn(question, "responseformat") === "noinline")
      return { type: "FILE_UPLOAD", definition: { ...(guidance && { guidance }), ...filesOf(question, changed) } };
    if (Number(textIn(question, "attachments") || 0) !== 0) changed.push("No files can be handed in with the text.");
    if (textIn(question, "responsetemplate")) changed.push("The template the text was to begin with is not kept.");
    if (Number(textIn(question, "minwordlimit") || 0) > 0 || Number(textIn(question, "maxwordlimit") || 0) > 0)
      changed.push("The limits on the number of words are not kept.");
    return { type: "ESSAY", definition: guidance ? { guidance } : {} };
  },

  description: () => ({ type: "INFORMATION", definition: {} }),
};

/** Which files an essay without a text takes. */
function filesOf(question: XmlElement, changed: string[]) {
  const count = Number(textIn(question, "attachments") || 1);
  const maxFiles = count >= 1 && count <= MAX_FILES ? count : MAX_FILES;
  if (maxFiles !== count) changed.push(`At most ${maxFiles} files can be handed in.`);
  const maxBytes = Number(textIn(question, "maxbytes") || 0);
  const isTaken = maxBytes > 0 && maxBytes <= MAX_ANSWER_FILE_BYTES;
  if (!isTaken) changed.push("How large a file may be is not said, or is more than 100 MB; the usual limit holds.");
  const named = textIn(question, "filetypeslist").split(/[\s,;]+/);
  const accept = named.filter((entry) => /[./]/.test(entry) && acceptedKind(entry) !== null);
  for (const entry of named.filter((entry) => entry !== "" && !accept.includes(entry)))
    changed.push(`Files of the kind ${entry} are not known here.`);
  if (accept.length === 0) changed.push("Which files are accepted is not said; the usual ones are.");
  return { maxFiles, ...(isTaken && { maxBytes }), ...(accept.length > 0 && { accept }) };
}

function numberAnswer(answer: XmlElement) {
  const text = textOf(answer);
  const worth = { fraction: fractionOf(answer), ...feedbackOf(answer) };
  if (text === "*") return { any: true, ...worth };
  const tolerance = numberOf(textIn(answer, "tolerance") || "0", "The tolerance").abs();
  return { value: numberOf(text, "The answer").toString(), tolerance: tolerance.toString(), ...worth };
}

/** Moodle's multiplier says how many of the unit make one of the answers' unit. */
function unitsOf(question: XmlElement, changed: string[]) {
  const units = childrenOf(childOf(question, "units") ?? question, "unit").map((unit) => {
    const multiplier = numberOf(textIn(unit, "multiplier") || "1", "The multiplier of a unit");
    if (!multiplier.gt(0)) throw new QuestionProblem("The multiplier of a unit is more than 0.");
    const factor = new Exact(1).div(multiplier).toSignificantDigits(FACTOR_DIGITS);
    return { unit: textIn(unit, "unit_name"), factor: factor.toString() };
  });
  if (units.length === 0 || textIn(question, "showunits") === "3") return {};
  const grading = textIn(question, "unitgradingtype");
  if (grading === "2")
    changed.push("Without its unit, an answer loses a share of what it earns and not of the whole mark.");
  const penalty = textIn(question, "unitpenalty") || "0";
  return {
    units,
    ...(["1", "2"].includes(grading) && { missingUnitPenalty: numberOf(penalty, "The penalty").toString() }),
  };
}

/** Moodle's ways of grading an order that we have, too. */
export const ORDER_SCORING = {
  ALL_OR_NOTHING: "exact",
  RELATIVE_NEXT_EXCLUDE_LAST: "adjacentPairs",
  LONGEST_ORDERED_SUBSET: "longestCommonSubsequence",
} as const;
const BY_NUMBER: Readonly<Record<string, keyof typeof ORDER_SCORING>> = {
  "-1": "ALL_OR_NOTHING",
  "1": "RELATIVE_NEXT_EXCLUDE_LAST",
  "5": "LONGEST_ORDERED_SUBSET",
};

function orderScoring(given: string, changed: string[]) {
  const name = BY_NUMBER[given] ?? given;
  if (Object.hasOwn(ORDER_SCORING, name)) return ORDER_SCORING[name as keyof typeof ORDER_SCORING];
  changed.push(
    `Moodle grades the order by ${name || "ABSOLUTE_POSITION"}; here each neighbour that rightly follows earns a share.`,
  );
  return "adjacentPairs";
}
