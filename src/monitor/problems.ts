import { thresholdsOf } from "./alerts/alertRule.ts";
import { alertRules } from "./alerts/alertRules.ts";
import type { Snapshot } from "./snapshot.ts";

export interface Problem {
  /** Critical: jobs are not done, or may be lost. */
  severity: "warning" | "critical";
  sentence: string;
}

/**
 * What an operator should look at, the worst first; empty when all is well. By the rules of the alerts, as far as a single snapshot
 * can tell, and without the time that alerts wait.
 */
export function ratedProblemsOf(snapshot: Snapshot): Problem[] {
  const problems = alertRules
    .filter(({ needsPast }) => !needsPast)
    .flatMap((rule) =>
      (rule.measure(snapshot, []) ?? [])
        .filter(({ subject, value }) => value >= thresholdsOf(rule, subject).raise)
        .map(({ says }): Problem => ({ severity: rule.severity, sentence: says })),
    );
  return problems.sort((a, b) => (a.severity === b.severity ? 0 : a.severity === "critical" ? -1 : 1));
}

/** {@link ratedProblemsOf}, in words alone. */
export const problemsOf = (snapshot: Snapshot): string[] => ratedProblemsOf(snapshot).map(({ sentence }) => sentence);

/** For monitors that look at exit codes, as Nagios counts: 0 all is well, 1 something to look at, 2 something critical. */
export function exitCodeOf(snapshot: Snapshot): 0 | 1 | 2 {
  const problems = ratedProblemsOf(snapshot);
  return problems.some(({ severity }) => severity === "critical") ? 2 : problems.length > 0 ? 1 : 0;
}
