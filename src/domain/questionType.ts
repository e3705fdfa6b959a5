import type { Decimal } from "decimal.js";
import type { z } from "zod";
import { Exact } from "./decimal.ts";

/** What a response holds, by the field of the API's `@oneOf` input that carries it. */
export interface ResponseValues {
  /** The id of the chosen option. */
  choice: string;
  /** The ids of all chosen options; none chosen is an empty list. */
  choices: string[];
  text: string;
  /** As the student typed it, e.g. "3,14". */
  number: string;
  /** All option ids, first to last. */
  order: string[];
  /** Which option belongs to which prompt, by their ids; a prompt may be left out. */
  pairs: { prompt: string; option: string }[];
  /** What stands in which gap: an option's id, a text or a number as it was typed; a gap may be left empty. */
  gaps: { gap: string; value: string }[];
  /** The ids of files that were uploaded for this question. */
  files: string[];
  /** Never sent: there is nothing to answer. */
  nothing: never;
}

export type ResponseKind = keyof ResponseValues;
/** A response as it is stored: one field, named for its kind. */
export type ResponseOf<Kind extends ResponseKind> = Kind extends ResponseKind
  ? { [Field in Kind]: ResponseValues[Field] }
  : never;
export type QuestionResponse = ResponseOf<ResponseKind>;

export interface ShownOption {
  readonly id: string;
  readonly text: string;
}

export interface ShownGap {
  readonly id: string;
  readonly kind: "choice" | "text" | "number";
  /** Empty for what is typed. */
  readonly options: readonly ShownOption[];
}

/** Which files a question takes. */
export interface FileLimits {
  readonly maxFiles: number;
  /** Of each. */
  readonly maxBytes: number;
  /** Endings such as `.pdf` and types such as `image/*`. */
  readonly accept: readonly string[];
}

/** All a student may see of a definition. No field can hold the key. */
export interface StudentView {
  responseKind: ResponseKind;
  /** Empty where nothing is to be chosen from. */
  options: readonly ShownOption[];
  /** To each of which an option is to be found; left out where there are none. */
  prompts?: readonly ShownOption[];
  /** A text in which each gap stands as `[[id]]`; left out where there is none. */
  gapText?: string;
  gaps?: readonly ShownGap[];
  /** Left out where no files are handed in. */
  files?: FileLimits;
  /** How many characters a text may have; null where no text is typed. */
  maxLength: number | null;
}

/** `fraction` is the share of the question's points: −1 to 1, where below 0 takes points away. */
export type Grade = { kind: "graded"; fraction: Decimal; feedback: string | null } | { kind: "needsHuman" };

/** What is not answered earns nothing, costs nothing, waits for nobody, and nothing is said about it. */
export const UNANSWERED: Grade = { kind: "graded", fraction: new Exact(0), feedback: null };

/**
 * What earns a question's full points, by the kind of the response: of `choice`, `text` and `number` each entry alone, of the others
 * all of them together. Options by their ids; texts and numbers as the definition has them, with what it tolerates.
 */
export type Solution =
  | { choice: string[] }
  | { choices: string[] }
  | { text: AcceptedText[] }
  | { number: AcceptedNumber[]; units?: { unit: string; factor: string }[] }
  | { pairs: ResponseValues["pairs"] }
  | { order: string[] }
  | { gaps: GapSolution[] };
export type AcceptedText = { pattern: string } | { regex: string };
export type AcceptedNumber =
  | { value: string; tolerance: string; toleranceType: "absolute" | "relative" }
  | { value: string; significantFigures: number }
  | { min: string; max: string }
  | { any: true };
export type GapSolution = { gap: string } & Extract<
  Solution,
  { choice: unknown } | { text: unknown } | { number: unknown }
>;

/** An option that takes part in a shuffle; a pinned one keeps its place. */
export interface ShuffleOption {
  id: string;
  pinned: boolean;
}

/**
 * What each question type fulfils. A definition is plain JSON; decimals in it are strings. All functions are pure,
 * take a definition that came out of the `definition` schema, and never change it. What was stored before a field was
 * added has to stay valid, because exams and attempts pin it: new fields are optional.
 */
export interface QuestionType<Definition = unknown, Kind extends ResponseKind = ResponseKind> {
  /** The value of the GraphQL enum. */
  name: string;
  /** One sentence for the schema's reference. */
  description: string;
  responseKind: Kind;
  /** Whether the question is worth nothing, because it asks nothing. */
  isUnmarked?: boolean;
  /** Whether a person marks what was answered. Its definitions may hold a `guidance` and a `rubric` for that. */
  isMarkedByHand?: boolean;
  definition: z.ZodType<Definition>;
  /** The shape of a response, whatever the definition; messages are written for the student. */
  response: z.ZodType<ResponseOf<Kind>>;
  /** Why a response of that shape cannot answer this very definition, for the student; null if it can. */
  problemWith(definition: Definition, response: ResponseOf<Kind>): string | null;
  /** Whether the response is none: a selection, an order or a text that was emptied again. It has no problem. */
  isBlank(response: ResponseOf<Kind>): boolean;
  /**
   * The definition with `change` applied to each text that is shown to people, in the format of the stem. What responses are compared
   * with is none; what is written into a question goes through here to be sanitised.
   */
  mapTexts(definition: Definition, change: (text: string) => string): Definition;
  studentView(definition: Definition): StudentView;
  /** The options that may be shuffled; empty where there are none. */
  shuffleOptions(definition: Definition): ShuffleOption[];
  /** The units that may be typed with numbers, as they are named to staff; left out where no numbers are typed. */
  unitsOf?(definition: Definition): string[];
  /** What is right, for a student who may see the key; null where a person judges, or there is nothing to answer. */
  solution(definition: Definition): Solution | null;
  /** Takes a response that has no problem; what is blank is UNANSWERED, and the types themselves are never asked about it. */
  grade(definition: Definition, response: ResponseOf<Kind>): Grade;
}

/** Keeps the literal name and kind of a type while checking it against the contract. */
export const defineQuestionType = <Definition, const Name extends string, Kind extends ResponseKind>(
  type: QuestionType<Definition, Kind> & { name: Name },
): QuestionType<Definition, Kind> & { name: Name } => ({
  ...type,
  grade: (definition, response) => (type.isBlank(response) ? UNANSWERED : type.grade(definition, response)),
});
