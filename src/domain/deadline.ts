const MINUTE_MS = 60_000;
/** A hundredth of a minute: a percent of a minute in whole milliseconds, so that nothing here is ever rounded. */
const PERCENT_OF_MINUTE_MS = MINUTE_MS / 100;

export interface ExamTimes {
  durationMinutes: number;
  /** Null: open from the start. */
  opensAt: Date | null;
  /** Null: never closes. */
  closesAt: Date | null;
}

/** More time from one source: the person, the course, the exam or a group. Whole numbers, 0 or more. */
export interface TimeGrant {
  extraTimePercent: number;
  extraMinutes: number;
}

/** A window that stands in place of the exam's, each end on its own. */
export interface OwnWindow {
  opensAt: Date | null;
  closesAt: Date | null;
}

/** What an exam gives one of its groups. The window stands in place of the exam's for the members, each end on its own. */
export interface GroupGrant extends TimeGrant, OwnWindow {}

/** What the time of one attempt is made of. Whole numbers, 0 or more. */
export interface TimeGiven extends TimeGrant {
  baseMinutes: number;
  /** How long the clock was stopped. */
  pausedSeconds: number;
  /** What staff gave while the exam was running. */
  creditSeconds: number;
}

export interface AttemptTimes {
  opensAt: Date | null;
  closesAt: Date | null;
  deadlineAt: Date;
}

export type TimePartKind = "BASE" | "EXTRA_TIME" | "EXTRA_MINUTES" | "PAUSE" | "CREDIT" | "WINDOW";

export interface TimePart {
  kind: TimePartKind;
  /** Below 0 for what the close of the exam takes away. */
  minutes: number;
}

/** The sum of the parts is the minutes, and the minutes are what lies between start and deadline. */
export interface TimeLimit {
  minutes: number;
  deadlineAt: Date;
  parts: TimePart[];
}

/** All grants in one: they stack, percents with percents (of the base time) and minutes with minutes. */
export const stacked = (grants: readonly TimeGrant[]): TimeGrant => ({
  extraTimePercent: grants.reduce((sum, { extraTimePercent }) => sum + extraTimePercent, 0),
  extraMinutes: grants.reduce((sum, { extraMinutes }) => sum + extraMinutes, 0),
});

/**
 * What somebody gets of all the groups they are in: of each value the best, once. Groups that overlap double nothing, and nobody
 * has less for being in one more.
 */
export const bestOf = (groups: readonly GroupGrant[]): GroupGrant => ({
  extraTimePercent: Math.max(0, ...groups.map(({ extraTimePercent }) => extraTimePercent)),
  extraMinutes: Math.max(0, ...groups.map(({ extraMinutes }) => extraMinutes)),
  opensAt: groups.reduce<Date | null>(
    (first, { opensAt }) => (!first || (opensAt && opensAt < first) ? opensAt : first),
    null,
  ),
  closesAt: groups.reduce<Date | null>(
    (last, { closesAt }) => (!last || (closesAt && closesAt > last) ? closesAt : last),
    null,
  ),
});

/**
 * The window and the deadline of an attempt: base time × (1 + percents) + extra minutes + pauses + credit, and no later than the
 * close, which all of these move too: more time would be worth nothing to whoever starts late. The close of a group counts as
 * the exam's. A close set for the person is taken as it was set; only what happens after it was set, pauses and credit, moves
 * it. So pauses and credit move every deadline by exactly their length.
 * @param grants what is for the person alone; what the groups give is added to it
 * @param startedAt the start of the attempt; for somebody who has not started, now
 */
export function attemptTimes({
  exam,
  grants,
  groups,
  ownWindow,
  pausedSeconds = 0,
  creditSeconds = 0,
  startedAt,
}: {
  exam: ExamTimes;
  grants: readonly TimeGrant[];
  groups: readonly GroupGrant[];
  ownWindow: OwnWindow;
  pausedSeconds?: number;
  creditSeconds?: number;
  startedAt: Date;
}): AttemptTimes {
  const ofGroups = bestOf(groups);
  const given = stacked([...grants, ofGroups]);
  const parts = partsMs({ baseMinutes: exam.durationMinutes, ...given, pausedSeconds, creditSeconds });
  const granted = parts.EXTRA_TIME + parts.EXTRA_MINUTES;
  const happened = parts.PAUSE + parts.CREDIT;
  const closesAt = later(ownWindow.closesAt ?? later(ofGroups.closesAt ?? exam.closesAt, granted), happened);
  const timeIsUp = later(startedAt, parts.BASE + granted + happened);
  return {
    opensAt: ownWindow.opensAt ?? ofGroups.opensAt ?? exam.opensAt,
    closesAt,
    deadlineAt: closesAt !== null && closesAt < timeIsUp ? closesAt : timeIsUp,
  };
}

/**
 * How long an attempt is and why, for its student. Parts of no length are left out, but for the base. What an earlier release
 * granted was not written down by kind: it counts as extra minutes.
 */
export function timeLimit(
  given: TimeGiven,
  { startedAt, deadlineAt }: { startedAt: Date; deadlineAt: Date },
): TimeLimit {
  const parts = partsMs(given);
  const wholeMs = deadlineAt.getTime() - startedAt.getTime();
  const beyond = wholeMs - Object.values(parts).reduce((sum, length) => sum + length, 0);
  const lengths = {
    ...parts,
    EXTRA_MINUTES: parts.EXTRA_MINUTES + Math.max(0, beyond),
    WINDOW: Math.min(0, beyond),
  };
  return {
    minutes: wholeMs / MINUTE_MS,
    deadlineAt,
    parts: (Object.entries(lengths) as [TimePartKind, number][])
      .filter(([kind, length]) => kind === "BASE" || length !== 0)
      .map(([kind, length]) => ({ kind, minutes: length / MINUTE_MS })),
  };
}

const partsMs = (given: TimeGiven) => ({
  BASE: given.baseMinutes * MINUTE_MS,
  EXTRA_TIME: given.baseMinutes * given.extraTimePercent * PERCENT_OF_MINUTE_MS,
  EXTRA_MINUTES: given.extraMinutes * MINUTE_MS,
  PAUSE: given.pausedSeconds * 1_000,
  CREDIT: given.creditSeconds * 1_000,
});

function later<Time extends Date | null>(time: Time, ms: number): Time | Date {
  return time && new Date(time.getTime() + ms);
}
