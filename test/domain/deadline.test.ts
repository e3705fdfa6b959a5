import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { attemptTimes, type ExamTimes, type PersonTimes } from "../../src/domain/deadline.ts";

const at = (time: string) => new Date(`2030-06-01T${time}:00Z`);
const exam: ExamTimes = { durationMinutes: 60, opensAt: at("09:00"), closesAt: at("11:00") };
const nobodySpecial: PersonTimes = { extraTimePercent: 0, extraMinutes: 0, opensAt: null, closesAt: null };
const times = (changes: { exam?: Partial<ExamTimes>; person?: Partial<PersonTimes>; startedAt: Date }) =>
  attemptTimes({
    exam: { ...exam, ...changes.exam },
    person: { ...nobodySpecial, ...changes.person },
    startedAt: changes.startedAt,
  });

describe("attemptTimes", () => {
  it("gives the exam's minutes from the start", () => {
    expect(times({ startedAt: at("09:10") })).toEqual({
      opensAt: at("09:00"),
      closesAt: at("11:00"),
      deadlineAt: at("10:10"),
      reasons: ["The exam takes 60 minutes."],
    });
  });

  it("ends with the window for who starts late", () => {
    const { deadlineAt, reasons } = times({ startedAt: at("10:30") });
    expect(deadlineAt).toEqual(at("11:00"));
    expect(reasons).toContain("Your time ends when the exam closes.");
  });

  it("adds percent and minutes, and widens the window by both", () => {
    expect(times({ person: { extraTimePercent: 25, extraMinutes: 10 }, startedAt: at("10:00") })).toEqual({
      opensAt: at("09:00"),
      closesAt: at("11:25"),
      deadlineAt: at("11:25"),
      reasons: [
        "The exam takes 60 minutes.",
        "You have 25 % extra time: 15 minutes more.",
        "You have 10 minutes more in this exam.",
        "The exam closes 25 minutes later for you.",
      ],
    });
  });

  it("takes a window of the person's own as it was set", () => {
    const person = { extraTimePercent: 50, opensAt: at("13:00"), closesAt: at("14:00") };
    const own = times({ person, startedAt: at("13:00") });
    expect([own.opensAt, own.closesAt, own.deadlineAt]).toEqual([at("13:00"), at("14:00"), at("14:00")]);
    expect(own.reasons).toContain("The exam closes for you at a time of your own.");
  });

  it("knows exams that never close", () => {
    const open = times({ exam: { opensAt: null, closesAt: null }, startedAt: at("23:30") });
    expect([open.opensAt, open.closesAt, open.deadlineAt]).toEqual([null, null, new Date("2030-06-02T00:30:00Z")]);
  });

  const aTime = fc.date({ min: at("00:00"), max: at("23:59"), noInvalidDate: true });
  const aSituation = fc.record({
    exam: fc.record({
      durationMinutes: fc.integer({ min: 1, max: 600 }),
      opensAt: fc.option(aTime),
      closesAt: fc.option(aTime),
    }),
    person: fc.record({
      extraTimePercent: fc.integer({ min: 0, max: 300 }),
      extraMinutes: fc.integer({ min: 0, max: 300 }),
      opensAt: fc.option(aTime),
      closesAt: fc.option(aTime),
    }),
    startedAt: aTime,
  });

  it("never lets the deadline pass the close, and gives the whole time unless the close cuts it", () => {
    fc.assert(
      fc.property(aSituation, (situation) => {
        const { closesAt, deadlineAt } = attemptTimes(situation);
        const whole = situation.exam.durationMinutes * (1 + situation.person.extraTimePercent / 100);
        const fullTime = situation.startedAt.getTime() + Math.round((whole + situation.person.extraMinutes) * 60_000);
        const latest = Math.min(fullTime, closesAt?.getTime() ?? Number.POSITIVE_INFINITY);
        expect(Math.abs(deadlineAt.getTime() - latest)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it("never gives less to who has extra time", () => {
    fc.assert(
      fc.property(aSituation, fc.nat(100), fc.nat(100), (situation, percent, minutes) => {
        const { person } = situation;
        const more = {
          ...person,
          extraTimePercent: person.extraTimePercent + percent,
          extraMinutes: person.extraMinutes + minutes,
        };
        const before = attemptTimes(situation);
        const after = attemptTimes({ ...situation, person: more });
        expect(after.deadlineAt.getTime()).toBeGreaterThanOrEqual(before.deadlineAt.getTime());
        if (before.closesAt) expect(after.closesAt!.getTime()).toBeGreaterThanOrEqual(before.closesAt.getTime());
      }),
    );
  });

  it("gives who starts at the last moment of the shared window the extra time in full", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 200 }),
        fc.integer({ min: 0, max: 60 }),
        (extraTimePercent, extraMinutes) => {
          const { deadlineAt } = times({ person: { extraTimePercent, extraMinutes }, startedAt: at("11:00") });
          const extra = (60 * extraTimePercent) / 100 + extraMinutes;
          expect(deadlineAt.getTime()).toBe(at("11:00").getTime() + Math.round(extra * 60_000));
        },
      ),
    );
  });
});
