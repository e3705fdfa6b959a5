import { pastOf, thresholdsOf } from "../../src/monitor/alerts/alertRule.ts";
import { alertRules, foundWithinSeconds, lookEveryMs } from "../../src/monitor/alerts/alertRules.ts";
import { type Alert, type AlertState, nextState, noAlerts } from "../../src/monitor/alerts/alertState.ts";
import { type Snapshot, takeSnapshot } from "../../src/monitor/snapshot.ts";
import { eventually } from "../support/eventually.ts";
import type { Site } from "../support/processes.ts";

const start = Date.parse("2026-11-20T09:00:00.000Z");
const policy = {
  rules: alertRules,
  silences: [],
  timing: { repeatSeconds: 14_400, groupSeconds: 60, calmSeconds: 30 },
};

/** What the monitor reads of the real system now; `aheadSeconds` lets its clock run ahead, so that what waits grows old. */
export const snapshotOf = ({ container: { db, queueRedis, queues } }: Site, aheadSeconds = 0): Promise<Snapshot> =>
  takeSnapshot({ db, redis: queueRedis, queues, clock: () => new Date(Date.now() + aheadSeconds * 1_000) });

/** A monitor over the real system whose time is simulated: each look is ten seconds after the one before. */
export function aWatch(site: Site) {
  let seconds = 0;
  let state: AlertState = noAlerts;
  return {
    /** Looks once more and gives what is firing. */
    async look(snapshot = snapshotOf(site)): Promise<Alert[]> {
      seconds += lookEveryMs / 1_000;
      const takenAt = new Date(start + seconds * 1_000).toISOString();
      ({ state } = nextState(state, { ...(await snapshot), takenAt }, policy));
      return Object.values(state.alerts).filter(({ firedAt }) => firedAt !== null);
    },
  };
}

/**
 * Breaks something in the real system and looks until the alert of that name fires, or the time it states is over. The simulated
 * clock starts when the figures show what was done, for which real processes may take a moment.
 * @returns the alert
 */
export async function findIncident(
  site: Site,
  {
    rule: name,
    subject,
    breaks,
    each,
    aheadSeconds = () => 0,
  }: {
    rule: string;
    subject: string;
    /** Left out where an incident before this one breaks it in time. */
    breaks?: () => unknown;
    /** Called before each look with the seconds since the beginning. */
    each?: (seconds: number) => Promise<unknown>;
    /** How far the monitor's clock is ahead at that second, for what has to grow old. */
    aheadSeconds?: (seconds: number) => number;
  },
): Promise<Alert> {
  const rule = alertRules.find((known) => known.name === name)!;
  const thresholds = thresholdsOf(rule, subject);
  const within = foundWithinSeconds(rule, thresholds);
  const isIt = (alert: Alert) => alert.rule === name && alert.subject === subject;
  const watch = aWatch(site);
  const before = [await watch.look(), await watch.look()].flat();
  if (breaks && before.some(isIt)) throw new Error(`${name} (${subject}) fires before anything is broken`);

  const past = [pastOf(await snapshotOf(site))];
  await breaks?.();
  if (!each && rule.unit !== "seconds waited") {
    const shows = async () =>
      rule
        .measure(await snapshotOf(site), past)
        ?.some((reading) => reading.subject === subject && reading.value >= thresholds.raise);
    await eventually(`the figures show ${name} (${subject})`, shows, 90_000);
  }
  for (let seconds = lookEveryMs / 1_000; seconds <= within; seconds += lookEveryMs / 1_000) {
    await each?.(seconds);
    const alert = (await watch.look(snapshotOf(site, aheadSeconds(seconds)))).find(isIt);
    if (alert) return alert;
  }
  throw new Error(`${name} (${subject}) was not found within ${within} s`);
}

/** The remedy of the catalogue. */
export const remedyOf = (name: string) => alertRules.find((rule) => rule.name === name)!.remedy;
