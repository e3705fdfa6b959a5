import { quantile } from "./measure.ts";
import type { Report } from "./report.ts";
import { PAGE, QUESTIONS, type StepName } from "./studentSteps.ts";

/** What is measured as one where phases cannot be told apart. */
export const WHOLE_ATTEMPT = "a whole attempt";

/** CPU-milliseconds a group of phases may take for one attempt (one save, for the saves), server-side processes together. */
const AIMS: { what: string; phases: string[]; aim: number; times?: number }[] = [
  { what: "start + first read", phases: ["start", "read paper"], aim: 8 },
  { what: "one save of 10", phases: ["save of 10"], aim: 1.5, times: QUESTIONS / PAGE },
  { what: "submit", phases: ["submit"], aim: 3 },
  { what: "grading", phases: ["grading"], aim: 5 },
];

/** Writes the figures of each step, of what the aims speak of, and of the whole. */
export function reportExamDay(
  report: Report,
  {
    perAttempt,
    secondsOf,
    times,
    seconds,
    count,
    bareHash,
  }: {
    perAttempt: Record<string, Record<string, number>>;
    secondsOf: Record<string, number>;
    times: Map<StepName, number[]>;
    seconds: number;
    count: number;
    bareHash: number;
  },
): void {
  const figure = { benchmark: "exam-day", unit: "CPU-ms", cpuUnit: "ms" };
  const serverSide = ({ driver: _, ...cpu }: Record<string, number>) =>
    Object.values(cpu).reduce((sum, ms) => sum + ms, 0);
  const names = new Set([...times.keys(), ...Object.keys(perAttempt).filter((name) => name !== WHOLE_ATTEMPT)]);
  for (const name of names) {
    const cpu = perAttempt[name];
    const list = times.get(name as StepName);
    const [p50, p95, p99] = [0.5, 0.95, 0.99].map((share) => list && Math.round(quantile(list, share)));
    report({
      ...figure,
      what: name,
      ...(cpu
        ? { value: serverSide(cpu), unit: "CPU-ms per attempt", cpu }
        : { value: p50!, unit: "ms (median)", cpu: undefined }),
      ...(name === "log in" && cpu && { limit: { what: "one bare argon2id check", value: bareHash } }),
      more: {
        ...(secondsOf[name] !== undefined && { seconds: Math.round(secondsOf[name] * 10) / 10 }),
        ...(list && { calls: list.length, p50: p50!, p95: p95!, p99: p99! }),
      },
    });
  }
  for (const { what, phases, aim, times: repeated = 1 } of AIMS) {
    if (!phases.every((phase) => perAttempt[phase])) continue;
    const value = phases.reduce((sum, phase) => sum + serverSide(perAttempt[phase]!), 0) / repeated;
    report({ ...figure, what, value, limit: { what: "aim", value: aim } });
  }
  const total: Record<string, number> = {};
  for (const cpu of Object.values(perAttempt))
    for (const [name, ms] of Object.entries(cpu)) total[name] = (total[name] ?? 0) + ms;
  report({
    ...figure,
    what: WHOLE_ATTEMPT,
    value: serverSide(total),
    cpu: total,
    limit: { what: "aim", value: 60 },
    more: { students: count, seconds: Math.round(seconds * 10) / 10, errors: 0, verified: "every answer and score" },
  });
}
