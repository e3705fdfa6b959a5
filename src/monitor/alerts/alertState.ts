import type { Snapshot } from "../snapshot.ts";
import { type AlertRule, type Past, pastOf, type Reading, type Severity, thresholdsOf } from "./alertRule.ts";
import { isSilenced, type Silence } from "./silences.ts";

/** A problem of one subject, from the first reading that was wrong until it is over. */
export interface Alert {
  rule: string;
  subject: string;
  severity: Severity;
  /** What was wrong when it was last wrong. */
  says: string;
  remedy: string;
  /** When it began. */
  since: string;
  /** When it had been wrong for long enough; null before that. */
  firedAt: string | null;
  /** Since when it has been well again; null while it is not. */
  wellSince: string | null;
  /** Whether somebody was told. */
  isAnnounced: boolean;
}

/** One message: what began, what is over, and what else is still wrong. */
export interface Notice {
  at: string;
  began: Alert[];
  over: Alert[];
  still: Alert[];
}

/** Everything that has to outlive the monitor, as plain JSON. */
export interface AlertState {
  /** By `rule:subject`. */
  alerts: Record<string, Alert>;
  /** What is over and has not been said yet. */
  over: Alert[];
  past: Past[];
  lastNoticeAt: string | null;
}

export interface AlertTiming {
  /** While something is wrong it is said again this often. */
  repeatSeconds: number;
  /** After a message, news wait this long for more, so that one incident is not ten messages; what is critical does not wait. */
  groupSeconds: number;
  /** So long it has to be well before it counts as over. */
  calmSeconds: number;
}

export interface AlertPolicy {
  rules: readonly AlertRule[];
  silences: readonly Silence[];
  timing: AlertTiming;
}

const pastKeptSeconds = 600;

export const noAlerts: AlertState = { alerts: {}, over: [], past: [], lastNoticeAt: null };

/**
 * What follows from one more snapshot, at the snapshot's own time: the next state, and a message if there is something to say.
 * Pure. A snapshot that is not later than the one before changes nothing.
 */
export function nextState(
  state: AlertState,
  snapshot: Snapshot,
  policy: AlertPolicy,
): { state: AlertState; notice: Notice | null } {
  const now = snapshot.takenAt;
  const latest = state.past.at(-1)?.at;
  if (latest !== undefined && latest >= now) return { state, notice: null };

  const alerts: AlertState["alerts"] = {};
  const over = [...state.over];
  const before = Object.values(state.alerts);
  for (const rule of policy.rules) {
    const own = before.filter((alert) => alert.rule === rule.name);
    const readings = rule.measure(snapshot, state.past);
    // Not known now: it stays as it was.
    const next = readings === null ? own : alertsOf(rule, own, readings, now);
    for (const alert of next) {
      if (!isOver(alert, now, policy.timing)) alerts[keyOf(alert)] = alert;
      // What was announced is said to be over, silenced or not: somebody waits for that.
      else if (alert.isAnnounced || !isSilenced(alert, policy.silences, now)) over.push(alert);
    }
  }
  // Of a rule that is no more, after an upgrade.
  const known = new Set(policy.rules.map(({ name }) => name));
  over.push(...before.filter((alert) => alert.isAnnounced && !known.has(alert.rule)));

  const past = [...state.past.filter(({ at }) => secondsFrom(at, now) < pastKeptSeconds), pastOf(snapshot)];
  return announce({ ...state, alerts, over, past }, now, policy);
}

const keyOf = ({ rule, subject }: Pick<Alert, "rule" | "subject">) => `${rule}:${subject}`;
const secondsFrom = (from: string, to: string) => (Date.parse(to) - Date.parse(from)) / 1_000;
const isOver = ({ wellSince }: Alert, now: string, { calmSeconds }: AlertTiming) =>
  wellSince !== null && secondsFrom(wellSince, now) >= calmSeconds;

/** A rule's alerts by its new readings; one whose subject is gone is well. */
function alertsOf(rule: AlertRule, before: readonly Alert[], readings: readonly Reading[], now: string): Alert[] {
  const gone = before.filter(({ subject }) => !readings.some((reading) => reading.subject === subject));
  return [
    ...readings,
    ...gone.map(({ subject, says }) => ({ subject, says, value: Number.NEGATIVE_INFINITY })),
  ].flatMap((reading) => {
    const alert = before.find(({ subject }) => subject === reading.subject);
    return nextAlert(rule, alert, reading, now) ?? [];
  });
}

/** Begins at `raise`, goes back only at `clear`; between the two nothing changes. */
function nextAlert(rule: AlertRule, before: Alert | undefined, reading: Reading, now: string): Alert | null {
  const { raise, clear, forSeconds } = thresholdsOf(rule, reading.subject);
  const isWrong = reading.value >= raise;
  const isWell = reading.value <= clear;
  if (before ? before.firedAt === null && isWell : !isWrong) return null;
  const alert = before ?? begun(rule, reading, now);
  const isDue = isWrong && secondsFrom(alert.since, now) >= forSeconds;
  return {
    ...alert,
    says: isWrong ? reading.says : alert.says,
    firedAt: alert.firedAt ?? (isDue ? now : null),
    wellSince: isWrong ? null : isWell ? (alert.wellSince ?? now) : alert.wellSince,
  };
}

const begun = ({ name, severity, remedy }: AlertRule, { subject, says }: Reading, now: string): Alert => ({
  ...{ rule: name, subject, severity, says, remedy, since: now },
  ...{ firedAt: null, wellSince: null, isAnnounced: false },
});

function announce(state: AlertState, now: string, { silences, timing }: AlertPolicy): ReturnType<typeof nextState> {
  const loud = Object.values(state.alerts)
    .filter((alert) => alert.firedAt !== null && !isSilenced(alert, silences, now))
    .sort(worstFirst);
  const began = loud.filter(({ isAnnounced }) => !isAnnounced);
  const still = loud.filter(({ isAnnounced }) => isAnnounced);

  const quietSeconds = state.lastNoticeAt === null ? Number.POSITIVE_INFINITY : secondsFrom(state.lastNoticeAt, now);
  const hasNews = began.length > 0 || state.over.length > 0;
  const mayWait = quietSeconds < timing.groupSeconds && !began.some(({ severity }) => severity === "critical");
  const isToRepeat = still.length > 0 && quietSeconds >= timing.repeatSeconds;
  if (!(hasNews && !mayWait) && !isToRepeat) return { state, notice: null };

  const announced = began.map((alert) => [keyOf(alert), { ...alert, isAnnounced: true }]);
  return {
    state: {
      ...state,
      alerts: { ...state.alerts, ...Object.fromEntries(announced) },
      over: [],
      lastNoticeAt: now,
    },
    notice: { at: now, began, over: state.over, still },
  };
}

const worstFirst = (a: Alert, b: Alert) =>
  Number(b.severity === "critical") - Number(a.severity === "critical") || (a.since < b.since ? -1 : 1);
