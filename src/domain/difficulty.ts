/** How hard the author of a question takes it to be. Three words that every teacher means alike; what is measured is the facility. */
export const DIFFICULTIES = ["EASY", "MEDIUM", "HARD"] as const;
export type Difficulty = (typeof DIFFICULTIES)[number];
