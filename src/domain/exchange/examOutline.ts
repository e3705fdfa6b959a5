/** An exam as files hold it: on its way into a course or out of one. */
export interface ExamOutline {
  title: string;
  /** Null where there is no limit. */
  durationMinutes: number | null;
  /** What the score is never below, a decimal; null: there is none. */
  floor: string | null;
  sections: SectionOutline[];
}

export interface SectionOutline {
  title: string;
  /** How many of its questions each attempt gets; null: all. */
  drawCount: number | null;
  isShuffled: boolean;
  floor: string | null;
  places: ExamPlace[];
}

/** A question in an exam. */
export interface ExamPlace {
  /** Of an export, which of its questions, from 1; of an import, the `line` of its entry. */
  question: number;
  /** What it is worth in the exam, a decimal; null: its own points. */
  points: string | null;
  /** Keeps its place where its section is shuffled. */
  isFixed: boolean;
}
