/** A sitting as somebody in the room would write it down. Times are milliseconds. */
export interface Sitting {
  durationMinutes: number;
  opensAt: number | null;
  closesAt: number | null;
  ownOpensAt: number | null;
  ownClosesAt: number | null;
  grants: { extraTimePercent: number; extraMinutes: number }[];
  /** The lists at the door that the student is on, each with what it gives. */
  groups: { extraTimePercent: number; extraMinutes: number; opensAt: number | null; closesAt: number | null }[];
  startedAt: number;
  /** What happens, each so long after the start or after what happened before it. */
  interruptions: { kind: "PAUSE" | "CREDIT"; afterMs: number; seconds: number }[];
}

/**
 * The reference model of the deadline: no formula, but an invigilator with a stop-watch and a door. The watch runs down while
 * the student works; a pause stops the watch and holds the door open; a credit winds the watch up and holds the door open.
 * The exam is over when the watch has run down or the door is shut. What would happen after that does not happen.
 */
export function invigilate(sitting: Sitting) {
  let watch = 0;
  const wind = (times: number, ms: number) => {
    for (let count = 0; count < times; count++) watch += ms;
  };
  wind(sitting.durationMinutes, 60_000);
  for (const { extraTimePercent, extraMinutes } of sitting.grants) {
    wind(extraTimePercent, sitting.durationMinutes * 600);
    wind(extraMinutes, 60_000);
  }
  // One turn more for as long as any of the lists still asks for one: what two lists give is not given twice.
  for (let turn = 1; sitting.groups.some(({ extraTimePercent }) => extraTimePercent >= turn); turn++)
    wind(1, sitting.durationMinutes * 600);
  for (let turn = 1; sitting.groups.some(({ extraMinutes }) => extraMinutes >= turn); turn++) wind(1, 60_000);

  const beyondBase = watch - sitting.durationMinutes * 60_000;
  const inOrder = (times: (number | null)[]) => times.filter((time) => time !== null).sort((one, two) => one - two);
  const doorForAll = inOrder(sitting.groups.map(({ closesAt }) => closesAt)).at(-1) ?? sitting.closesAt;
  const openingForAll = inOrder(sitting.groups.map(({ opensAt }) => opensAt)).at(0) ?? sitting.opensAt;
  let door = Number.POSITIVE_INFINITY;
  if (sitting.ownClosesAt !== null) door = sitting.ownClosesAt;
  else if (doorForAll !== null) door = doorForAll + beyondBase;

  let now = sitting.startedAt;
  const happened = { PAUSE: 0, CREDIT: 0 };
  const work = (ms: number) => {
    now += ms;
    watch -= ms;
  };
  for (const { kind, afterMs, seconds } of sitting.interruptions) {
    if (afterMs >= Math.min(watch, door - now)) break; // over before it comes
    work(afterMs);
    happened[kind] += seconds;
    door += seconds * 1_000;
    if (kind === "PAUSE") now += seconds * 1_000;
    else watch += seconds * 1_000;
  }
  work(Math.min(watch, door - now));
  return {
    opensAt: sitting.ownOpensAt === null ? openingForAll : sitting.ownOpensAt,
    closesAt: Number.isFinite(door) ? door : null,
    deadlineAt: now,
    pausedSeconds: happened.PAUSE,
    creditSeconds: happened.CREDIT,
  };
}
