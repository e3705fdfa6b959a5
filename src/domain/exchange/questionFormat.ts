import type { OutcomeFeedback } from "../outcomeFeedback.ts";
import type { QuestionTypeName } from "../questionTypes.ts";

/** A question as files hold it: on its way into a bank or out of one. */
export interface ImportedQuestion {
  type: QuestionTypeName;
  title: string | null;
  stem: string;
  stemFormat: "PLAIN" | "HTML" | "MARKDOWN" | "MOODLE";
  /** As `parseDefinition` returned it. */
  definition: unknown;
  /** A decimal; "1" where the format knows no points, and "0" for what asks nothing. */
  points: string;
  feedback: string | null;
  /** Left out or null where the question has none. */
  outcomeFeedback?: OutcomeFeedback | null | undefined;
  tags: string[];
}

export interface TakenQuestion {
  /** Where it begins in the file, from 1; in a package, the place of its item. */
  line: number;
  title: string | null;
  question: ImportedQuestion;
  /** What is not as it stood in the file, a sentence each. */
  changed: string[];
}

export interface RefusedQuestion {
  line: number;
  title: string | null;
  /** Enough of it to recognise it by. */
  excerpt: string;
  /** What to do about it. */
  reason: string;
}

export interface FileNote {
  line: number;
  message: string;
}

/** All that becomes of a file, one entry after the other in the order of the file. */
export type ReadEntry =
  | ({ kind: "taken" } & TakenQuestion)
  | ({ kind: "refused" } & RefusedQuestion)
  | ({ kind: "note" } & FileNote);

/** What a format cannot hold of a question, told while it is written. */
export interface WriteReport {
  /** Which of the questions, from 1. */
  position: number;
  title: string | null;
  /** What the file lacks of it, a sentence each; nothing that decides a grade. */
  lost: string[];
  /** Why it is not in the file at all; null if it is. */
  refused: string | null;
}

export type FileSource = AsyncIterable<string | Uint8Array>;

/** A file that can be read from any place, so that nobody has to hold it as a whole. */
export interface StoredFile extends AsyncIterable<Uint8Array> {
  /** In bytes. */
  readonly size: number;
  /** The bytes from `start` up to and without `end`; fewer where the file ends before. */
  range(start: number, end: number): Promise<Uint8Array>;
}

/**
 * What each format of files fulfils. Reading and writing are streams and keep one question at a time. What would be
 * graded in another way after an export and an import is refused by `write`, and not merely reported.
 */
export type QuestionFormat = TextFormat | BinaryFormat;

interface AnyFormat {
  /** The value of the GraphQL enum. */
  name: string;
  /** One sentence for the schema's reference. */
  description: string;
  /** Of the file's name, without the dot. */
  fileEnding: string;
  contentType: string;
  /** Calls `report` for every question of which something is lost or that is refused. */
  write(
    questions: AsyncIterable<ImportedQuestion>,
    report: (entry: WriteReport) => void,
  ): AsyncGenerator<string | Uint8Array>;
}

export interface TextFormat extends AnyFormat {
  isBinary?: false;
  /** One bad question does not stop the others. @throws BAD_USER_INPUT for a file that cannot be read as a whole */
  read(source: FileSource): AsyncGenerator<ReadEntry>;
}

/** One whose files are bytes, which no text of a request can carry. */
export interface BinaryFormat extends AnyFormat {
  isBinary: true;
  /** As that of a text; what a file begins with may stand at its end. */
  read(source: StoredFile): AsyncGenerator<ReadEntry>;
}
