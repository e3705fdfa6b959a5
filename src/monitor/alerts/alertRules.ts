import { ConfigError } from "../../config.ts";
import type { AlertOverrides } from "./alertOverrides.ts";
import { type AlertRule, type Thresholds, thresholdsOf } from "./alertRule.ts";
import { queueRules } from "./queueRules.ts";
import { storeRules } from "./storeRules.ts";

/** The catalogue: everything the monitor calls a problem. `docs/alerts.md` is checked against it by a test. */
export const alertRules: readonly AlertRule[] = [...storeRules, ...queueRules];

/** How often the monitor looks where nothing else is asked for. */
export const lookEveryMs = 10_000;

/**
 * How long after its beginning a problem fires, at the latest: until the next look, and from then on by whole looks. Where the
 * value is an age, it first has to grow old.
 */
export function foundWithinSeconds({ unit }: AlertRule, { raise, forSeconds }: Thresholds, everyMs = lookEveryMs) {
  const every = everyMs / 1_000;
  return (unit === "seconds waited" ? raise : 0) + every + Math.ceil(forSeconds / every) * every;
}

/** Nothing is that bad, and anything is well. */
const never = { raise: Number.POSITIVE_INFINITY, clear: Number.POSITIVE_INFINITY };

/**
 * The rules with an operator's thresholds in place of ours.
 * @throws ConfigError that names the rule which does not exist, or would begin and end at the same value
 */
export function withOverrides(overrides: AlertOverrides, rules = alertRules): AlertRule[] {
  const problems: string[] = [];
  const changed = new Map(rules.map((rule) => [rule.name, rule]));
  // Rules before their subjects: a subject's thresholds stand on its rule's.
  for (const [key, { off, ...changes }] of Object.entries(overrides).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const [name = "", subject] = key.split(":");
    const rule = changed.get(name);
    if (!rule) {
      problems.push(`${key}: there is no rule ${name}; there are ${rules.map((known) => known.name).join(", ")}`);
      continue;
    }
    const own: Partial<Thresholds> = off ? never : changes;
    const next = subject
      ? { ...rule, subjects: { ...rule.subjects, [subject]: { ...rule.subjects?.[subject], ...own } } }
      : { ...rule, ...own };
    const { raise, clear } = thresholdsOf(next, subject ?? "");
    if (!off && clear >= raise) problems.push(`${key}: clear (${clear}) has to be below raise (${raise})`);
    changed.set(name, next);
  }
  if (problems.length > 0) throw new ConfigError(`ALERT_RULES: ${problems.join("; ")}`);
  return [...changed.values()];
}
