/** The marks of many people on the questions of an exam; a column for each question, so that 100,000 marks take less than a megabyte. */
export interface ScoreTable {
  persons: number;
  items: readonly ItemColumn[];
}

export interface ItemColumn {
  maxMark: number;
  /** By person; NaN where the question was not on their paper, 0 where it was not answered. */
  marks: Float64Array;
}

/** Each person's sum over their own paper. */
export function totalsOf({ persons, items }: ScoreTable): Float64Array {
  const totals = new Float64Array(persons);
  for (const { marks } of items) {
    for (let person = 0; person < persons; person++) {
      const mark = marks[person]!;
      if (!Number.isNaN(mark)) totals[person]! += mark;
    }
  }
  return totals;
}

/** Whether every question was on every paper. */
export const isComplete = ({ items }: ScoreTable): boolean => items.every(({ marks }) => !marks.some(Number.isNaN));

/** Who had the question, by their place in the table. */
export function personsWith({ marks }: ItemColumn): Int32Array {
  const places: number[] = [];
  marks.forEach((mark, person) => {
    if (!Number.isNaN(mark)) places.push(person);
  });
  return Int32Array.from(places);
}

export const pick = (values: Float64Array, places: Int32Array): Float64Array =>
  Float64Array.from(places, (place) => values[place]!);
