import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import {
  attemptTimes,
  bestOf,
  type ExamTimes,
  type GroupGrant,
  type OwnWindow,
  type TimeGrant,
  timeLimit,
} from "../../src/domain/deadline.ts";
import { invigilate, type Sitting } from "./invigilator.ts";

const at = (time: string) => new Date(`2030-06-01T${time}:00Z`);
const exam: ExamTimes = { durationMinutes: 60, opensAt: at("09:00"), closesAt: at("11:00") };
const grant = (extraTimePercent: number, extraMinutes = 0): TimeGrant => ({ extraTimePercent, extraMinutes });
const group = (given: Partial<GroupGrant>): GroupGrant => ({ ...grant(0), opensAt: null, closesAt: null, ...given });

interface Changes {
  exam?: Partial<ExamTimes>;
  grants?: TimeGrant[];
  groups?: GroupGrant[];
  ownWindow?: Partial<OwnWindow>;
  pausedSeconds?: number;
  creditSeconds?: number;
  startedAt: Date;
}
const times = ({ grants = [], groups = [], ...changes }: Changes) =>
  attemptTimes({
    ...changes,
    grants,
    groups,
    exam: { ...exam, ...changes.exam },
    ownWindow: { opensAt: null, closesAt: null, ...changes.ownWindow },
  });

describe("attemptTimes", () => {
  it("gives the exam's minutes from the start", () => {
    expect(times({ startedAt: at("09:10") })).toEqual({
      opensAt: at("09:00"),
      closesAt: at("11:00"),
      deadlineAt: at("10:10"),
    });
  });

  it("ends with the window for who starts late", () => {
    expect(times({ startedAt: at("10:30") }).deadlineAt).toEqual(at("11:00"));
  });

  it("adds percent and minutes of person, course and exam, and widens the window by all of them", () => {
    expect(times({ grants: [grant(10, 4), grant(15), grant(0, 6)], startedAt: at("10:00") })).toEqual({
      opensAt: at("09:00"),
      closesAt: at("11:25"),
      deadlineAt: at("11:25"),
    });
  });

  it("adds percents and does not multiply them", () => {
    expect(times({ grants: [grant(50), grant(50)], startedAt: at("09:00") }).deadlineAt).toEqual(at("11:00"));
  });

  it("takes a window of the person's own as it was set", () => {
    const ownWindow = { opensAt: at("13:00"), closesAt: at("14:00") };
    const own = times({ grants: [grant(50)], ownWindow, startedAt: at("13:00") });
    expect([own.opensAt, own.closesAt, own.deadlineAt]).toEqual([at("13:00"), at("14:00"), at("14:00")]);
  });

  it("adds the best of the groups to what is the person's own, so that two groups double nothing", () => {
    const groups = [group(grant(25, 5)), group(grant(50)), group(grant(0, 10))];
    const { deadlineAt, closesAt } = times({ grants: [grant(0, 2)], groups, startedAt: at("09:00") });
    expect(deadlineAt).toEqual(at("10:42")); // 60 + half of it + 10 + 2
    expect(closesAt).toEqual(at("11:42"));
  });

  it("lets the window of a group stand in place of the exam's, and widens it like the exam's", () => {
    const groups = [group({ opensAt: at("13:00"), closesAt: at("14:00") })];
    expect(times({ grants: [grant(50)], groups, startedAt: at("13:45") })).toEqual({
      opensAt: at("13:00"),
      closesAt: at("14:30"),
      deadlineAt: at("14:30"),
    });
  });

  it("opens with the first and closes with the last group of somebody who is in several", () => {
    const groups = [
      group({ opensAt: at("13:00"), closesAt: at("14:00") }),
      group({ opensAt: at("08:00"), closesAt: at("12:00") }),
      group({}),
    ];
    expect(times({ groups, startedAt: at("08:00") })).toMatchObject({ opensAt: at("08:00"), closesAt: at("14:00") });
  });

  it("lets a window of the person's own beat that of every group, each end on its own", () => {
    const groups = [group({ opensAt: at("08:00"), closesAt: at("15:00") })];
    const ownWindow = { closesAt: at("12:00") };
    expect(times({ groups, ownWindow, startedAt: at("11:30") })).toEqual({
      opensAt: at("08:00"),
      closesAt: at("12:00"),
      deadlineAt: at("12:00"),
    });
  });

  it("lets pauses and credit move every close, a person's own too", () => {
    const happened = { pausedSeconds: 300, creditSeconds: 600 };
    expect(times({ ...happened, startedAt: at("10:30") }).deadlineAt).toEqual(at("11:15"));
    const ownWindow = { closesAt: at("14:00") };
    expect(times({ ...happened, ownWindow, startedAt: at("13:30") }).deadlineAt).toEqual(at("14:15"));
  });

  it("knows exams that never close", () => {
    const open = times({ exam: { opensAt: null, closesAt: null }, startedAt: at("23:30") });
    expect([open.opensAt, open.closesAt, open.deadlineAt]).toEqual([null, null, new Date("2030-06-02T00:30:00Z")]);
  });
});

const DAY_MS = 24 * 3_600_000;
const aTime = fc.integer({ min: at("00:00").getTime(), max: at("00:00").getTime() + DAY_MS });
const someTime = {
  extraTimePercent: fc.integer({ min: 0, max: 400 }),
  extraMinutes: fc.integer({ min: 0, max: 300 }),
};
const aGroup = fc.record({ ...someTime, opensAt: fc.option(aTime), closesAt: fc.option(aTime, { freq: 2 }) });
const aSitting: fc.Arbitrary<Sitting> = fc.record({
  durationMinutes: fc.integer({ min: 1, max: 600 }),
  opensAt: fc.option(aTime),
  closesAt: fc.option(aTime),
  ownOpensAt: fc.option(aTime),
  ownClosesAt: fc.option(aTime, { freq: 2 }),
  grants: fc.array(fc.record(someTime), { maxLength: 4 }),
  groups: fc.array(aGroup, { maxLength: 3 }),
  startedAt: aTime,
  interruptions: fc.array(
    fc.record({
      kind: fc.constantFrom("PAUSE" as const, "CREDIT" as const),
      afterMs: fc.integer({ min: 0, max: 7_200_000 }),
      seconds: fc.integer({ min: 1, max: 7_200 }),
    }),
    { maxLength: 4 },
  ),
});

const date = (ms: number | null) => (ms === null ? null : new Date(ms));
const measured = (sitting: Sitting, happened: { pausedSeconds: number; creditSeconds: number }) =>
  attemptTimes({
    exam: {
      durationMinutes: sitting.durationMinutes,
      opensAt: date(sitting.opensAt),
      closesAt: date(sitting.closesAt),
    },
    grants: sitting.grants,
    groups: sitting.groups.map((given) => ({ ...given, opensAt: date(given.opensAt), closesAt: date(given.closesAt) })),
    ownWindow: { opensAt: date(sitting.ownOpensAt), closesAt: date(sitting.ownClosesAt) },
    startedAt: new Date(sitting.startedAt),
    ...happened,
  });
/** Whoever starts has a door that is open. */
const mayStart = (sitting: Sitting) => {
  const { closesAt } = measured(sitting, { pausedSeconds: 0, creditSeconds: 0 });
  return closesAt === null || sitting.startedAt < closesAt.getTime();
};

describe("the fair clock", () => {
  it("agrees to the millisecond with an invigilator's stop-watch and door, in a hundred thousand sittings", () => {
    const seen = { byTheDoor: 0, byTheWatch: 0, interrupted: 0, inSeveralGroups: 0, byAGroupsDoor: 0 };
    const agrees = fc.property(aSitting.filter(mayStart), (sitting) => {
      const { pausedSeconds, creditSeconds, ...times } = invigilate(sitting);
      const found = measured(sitting, { pausedSeconds, creditSeconds });
      if (found.deadlineAt.getTime() !== times.deadlineAt) return false;
      if (found.closesAt?.getTime() !== (times.closesAt ?? undefined)) return false;
      if (found.opensAt?.getTime() !== (times.opensAt ?? undefined)) return false;
      if (pausedSeconds + creditSeconds > 0) seen.interrupted += 1;
      if (times.deadlineAt === times.closesAt) seen.byTheDoor += 1;
      else seen.byTheWatch += 1;
      if (sitting.groups.length > 1) seen.inSeveralGroups += 1;
      const isOfAGroup = sitting.ownClosesAt === null && sitting.groups.some(({ closesAt }) => closesAt !== null);
      if (isOfAGroup && times.deadlineAt === times.closesAt) seen.byAGroupsDoor += 1;
      return true;
    });
    fc.assert(agrees, { numRuns: 100_000, seed: 20_261_129 });
    for (const cases of Object.values(seen)) expect(cases).toBeGreaterThan(10_000);
  }, 60_000);

  const some = { seed: 20_261_129, numRuns: 1_000 };

  it("moves every deadline by exactly what staff give a running attempt", () => {
    fc.assert(
      fc.property(aSitting, fc.nat(7_200), fc.nat(7_200), (sitting, before, more) => {
        const given = measured(sitting, { pausedSeconds: 0, creditSeconds: before });
        const after = measured(sitting, { pausedSeconds: 0, creditSeconds: before + more });
        expect(after.deadlineAt.getTime() - given.deadlineAt.getTime()).toBe(more * 1_000);
      }),
      some,
    );
  });

  it("never gives less to who is granted more", () => {
    fc.assert(
      fc.property(aSitting, fc.nat(100), fc.nat(100), (sitting, percent, minutes) => {
        const happened = { pausedSeconds: 0, creditSeconds: 0 };
        const before = measured(sitting, happened);
        const after = measured({ ...sitting, grants: [...sitting.grants, grant(percent, minutes)] }, happened);
        expect(after.deadlineAt.getTime()).toBeGreaterThanOrEqual(before.deadlineAt.getTime());
        if (before.closesAt) expect(after.closesAt!.getTime()).toBeGreaterThanOrEqual(before.closesAt.getTime());
      }),
      some,
    );
  });

  it("gives nobody less for one group more, and nothing for the same group twice", () => {
    fc.assert(
      fc.property(aSitting, aGroup, (sitting, another) => {
        const happened = { pausedSeconds: 0, creditSeconds: 0 };
        // A group with a window of its own moves its members to that window, which may be the shorter one.
        const more = { ...another, opensAt: null, closesAt: null };
        const before = measured(sitting, happened);
        const after = measured({ ...sitting, groups: [...sitting.groups, more] }, happened);
        expect(after.deadlineAt.getTime()).toBeGreaterThanOrEqual(before.deadlineAt.getTime());
        expect(measured({ ...sitting, groups: [...sitting.groups, ...sitting.groups] }, happened)).toEqual(before);
      }),
      some,
    );
  });

  it("does not ask in which order somebody came into groups", () => {
    const dated = aGroup.map((given) => ({ ...given, opensAt: date(given.opensAt), closesAt: date(given.closesAt) }));
    fc.assert(
      fc.property(fc.array(dated), (groups) => expect(bestOf([...groups].reverse())).toEqual(bestOf(groups))),
      some,
    );
  });

  it("gives who starts at the last moment of the shared window the extra time in full", () => {
    fc.assert(
      fc.property(fc.nat(200), fc.nat(60), (percent, minutes) => {
        const { deadlineAt } = times({ grants: [grant(percent, minutes)], startedAt: at("11:00") });
        expect(deadlineAt.getTime()).toBe(at("11:00").getTime() + (60 * percent * 60_000) / 100 + minutes * 60_000);
      }),
      some,
    );
  });
});

describe("timeLimit", () => {
  const given = { baseMinutes: 30, ...grant(25, 5), pausedSeconds: 90, creditSeconds: 600 };

  it("names every part of the time", () => {
    const startedAt = at("09:00");
    const deadlineAt = new Date(startedAt.getTime() + 54 * 60_000);
    expect(timeLimit(given, { startedAt, deadlineAt })).toEqual({
      minutes: 54,
      deadlineAt,
      parts: [
        { kind: "BASE", minutes: 30 },
        { kind: "EXTRA_TIME", minutes: 7.5 },
        { kind: "EXTRA_MINUTES", minutes: 5 },
        { kind: "PAUSE", minutes: 1.5 },
        { kind: "CREDIT", minutes: 10 },
      ],
    });
  });

  it("counts what an earlier release granted, and did not write down by kind, as extra minutes", () => {
    const plain = { baseMinutes: 30, ...grant(0), pausedSeconds: 0, creditSeconds: 60 };
    const { parts } = timeLimit(plain, { startedAt: at("09:00"), deadlineAt: at("09:41") });
    expect(parts).toEqual([
      { kind: "BASE", minutes: 30 },
      { kind: "EXTRA_MINUTES", minutes: 10 },
      { kind: "CREDIT", minutes: 1 },
    ]);
  });

  it("says what the close takes away", () => {
    const plain = { baseMinutes: 60, ...grant(0), pausedSeconds: 0, creditSeconds: 0 };
    expect(timeLimit(plain, { startedAt: at("10:30"), deadlineAt: at("11:00") })).toMatchObject({
      minutes: 30,
      parts: [
        { kind: "BASE", minutes: 60 },
        { kind: "WINDOW", minutes: -30 },
      ],
    });
  });
});
