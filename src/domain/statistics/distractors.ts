import { sorted } from "./moments.ts";

/** How often one response was given, by the third of the totals that those who gave it are in. */
export interface ResponseCount {
  /** The id of an option; null for no answer. */
  response: string | null;
  low: number;
  middle: number;
  high: number;
}

type Group = "low" | "middle" | "high";

/** The third of the totals that a total is in; those who tie are in the same one. */
export function abilityGroups(totals: Float64Array): (total: number) => Group {
  const ranked = sorted(totals);
  const third = ranked.length / 3;
  const [lowest, highest] = [ranked[Math.ceil(third) - 1] ?? 0, ranked[Math.floor(2 * third)] ?? 0];
  return (total) => (total <= lowest && lowest < highest ? "low" : total >= highest ? "high" : "middle");
}

/** Counts the responses to one question; several chosen options count each. */
export function createDistractorTable(optionIds: readonly string[]) {
  const counts = new Map<string | null, ResponseCount>(
    [...optionIds, null].map((response) => [response, { response, low: 0, middle: 0, high: 0 }]),
  );
  return {
    add(group: Group, chosen: readonly string[]): void {
      for (const response of chosen.length === 0 ? [null] : chosen) {
        const count = counts.get(response);
        if (count) count[group]++;
      }
    },
    counts: (): ResponseCount[] => [...counts.values()],
  };
}
