import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import type { AlertRule } from "../../src/monitor/alerts/alertRule.ts";
import { type Alert, type AlertTiming, type Notice, noAlerts } from "../../src/monitor/alerts/alertState.ts";
import type { Silence } from "../../src/monitor/alerts/silences.ts";
import { at, givenRule, healthy, run } from "./support.ts";

const every = 10;
const timing: AlertTiming = { repeatSeconds: 600, groupSeconds: 60, calmSeconds: 30 };

/** Values of each subject, one every ten seconds; null where they cannot be known. */
type Course = (Record<string, number> | null)[];

function follow(course: Course, change: Partial<AlertRule> = {}, silences: Silence[] = []) {
  const values = new Map(course.map((readings, index) => [at(index * every), readings]));
  const rules = [givenRule(change, (takenAt) => values.get(takenAt) ?? null)];
  const snapshots = course.map((_, index) => healthy(index * every));
  return run(snapshots, { rules, silences, timing }, noAlerts);
}
const one = (...values: (number | null)[]): Course => values.map((value) => (value === null ? null : { a: value }));
const times = (count: number, value: number) => Array.from({ length: count }, () => value);
const said = ({ notices }: { notices: Notice[] }) =>
  notices.map(({ at: when, began, over, still }) => ({
    after: (Date.parse(when) - Date.parse(at(0))) / 1_000,
    began: began.map(({ subject }) => subject),
    over: over.map(({ subject }) => subject),
    still: still.map(({ subject }) => subject),
  }));

describe("an alert", () => {
  it("is said when it has been wrong for long enough, and once when it is over", () => {
    expect(said(follow(one(0, ...times(5, 20), ...times(12, 0))))).toEqual([
      { after: 40, began: ["a"], over: [], still: [] },
      { after: 100, began: [], over: ["a"], still: [] },
    ]);
  });

  it("that passes before its time is never heard of", () => {
    expect(said(follow(one(20, 20, 20, 0, 0, 20, 20, 20, 0)))).toEqual([]);
  });

  it("does not end between its thresholds, nor begin there", () => {
    expect(said(follow(one(...times(20, 9))))).toEqual([]);
    expect(said(follow(one(...times(4, 20), ...times(20, 9))))).toHaveLength(1);
    expect(said(follow(one(...times(4, 20), ...times(9, 5)))).at(-1)).toMatchObject({ over: ["a"] });
  });

  it("is not over while it comes and goes", () => {
    const flapping = one(...times(4, 20), ...Array.from({ length: 20 }, (_, index) => (index % 2 ? 20 : 0)));
    expect(said(follow(flapping))).toHaveLength(1);
  });

  it("is said again while it lasts, with what is wrong now", () => {
    const { notices } = follow(one(...times(100, 20), 33, ...times(30, 33)));
    expect(said({ notices })).toEqual([
      { after: 30, began: ["a"], over: [], still: [] },
      { after: 630, began: [], over: [], still: ["a"] },
      { after: 1230, began: [], over: [], still: ["a"] },
    ]);
    expect(notices[2]!.still[0]!.says).toBe("a is 33");
  });

  it("neither begins nor ends by what cannot be known", () => {
    expect(said(follow(one(...times(4, 20), ...Array(20).fill(null))))).toHaveLength(1);
    expect(said(follow(one(...Array(20).fill(null))))).toEqual([]);
  });

  it("is over when its subject is no more", () => {
    const course: Course = [...one(...times(4, 20)), ...Array(12).fill({})];
    expect(said(follow(course)).at(-1)).toMatchObject({ over: ["a"] });
  });

  it("is over when its rule is no more", () => {
    const { state } = follow(one(...times(4, 20)));
    const after = run([healthy(300)], { rules: [], silences: [], timing }, state);
    expect(said(after)).toMatchObject([{ over: ["a"] }]);
  });
});

describe("messages", () => {
  it("tell together what begins together", () => {
    const course = [{}, ...Array(5).fill({ a: 20, b: 20, c: 20 })];
    expect(said(follow(course))).toEqual([{ after: 40, began: ["a", "b", "c"], over: [], still: [] }]);
  });

  it("collect for a minute what comes after the first", () => {
    const course = Array.from({ length: 20 }, (_, index) => ({
      a: 20,
      b: index >= 1 ? 20 : 0,
      c: index >= 3 ? 20 : 0,
    }));
    expect(said(follow(course))).toEqual([
      { after: 30, began: ["a"], over: [], still: [] },
      { after: 90, began: ["b", "c"], over: [], still: ["a"] },
    ]);
  });

  it("do not wait for company when it is critical", () => {
    const course = Array.from({ length: 20 }, (_, index) => ({ a: 20, b: index >= 1 ? 20 : 0 }));
    expect(said(follow(course, { severity: "critical" })).map(({ after }) => after)).toEqual([30, 40]);
  });

  it("also tell what came and went meanwhile", () => {
    const course = Array.from({ length: 30 }, (_, index) => ({ a: 20, b: index >= 1 && index < 3 ? 20 : 0 }));
    const { notices } = follow(course, { forSeconds: 0 });
    expect(said({ notices })[1]).toMatchObject({ over: ["b"], still: ["a"] });
    expect(notices[1]!.over[0]).toMatchObject({ isAnnounced: false });
  });
});

describe("a silence", () => {
  const silence = (what: string, until = 3_600): Silence => ({ id: "s", what, until: at(until), reason: "r", by: "b" });

  it.each(["given", "exam", "given:exam", "given:exam/sweep", "exam/sweep"])("of %s is about its alert", (what) => {
    const course: Course = Array(20).fill({ "exam/sweep": 20 });
    expect(said(follow(course, {}, [silence(what)]))).toEqual([]);
  });

  it("of something else is not", () => {
    const course: Course = Array(20).fill({ exam: 20 });
    expect(said(follow(course, {}, [silence("email"), silence("other"), silence("given:email")]))).toHaveLength(1);
  });

  it("that ends lets be heard what still is wrong", () => {
    expect(said(follow(one(...times(20, 20)), {}, [silence("given", 100)]))).toMatchObject([
      { after: 100, began: ["a"] },
    ]);
  });

  it("does not keep back that what was said is over", () => {
    const { state } = follow(one(...times(4, 20)));
    const rules = [givenRule({}, () => ({ a: 0 }))];
    const snapshots = Array.from({ length: 10 }, (_, index) => healthy(100 + index * every));
    const after = run(snapshots, { rules, silences: [silence("given")], timing }, state);
    expect(said(after)).toMatchObject([{ began: [], over: ["a"] }]);
  });
});

describe("whatever happens", () => {
  const value = fc.oneof(fc.constantFrom(0, 5, 9, 10, 20), fc.integer({ min: 0, max: 30 }));
  const reading = fc.option(fc.dictionary(fc.constantFrom("a", "b", "c"), value), { freq: 8 });
  const course = fc.array(reading, { minLength: 1, maxLength: 120 });
  const severity = fc.constantFrom("critical" as const, "warning" as const);
  const forSeconds = fc.constantFrom(0, 20, 60);
  const check = (property: (course: Course, change: Partial<AlertRule>) => void) =>
    fc.assert(
      fc.property(course, severity, forSeconds, (readings, how, long) =>
        property(readings, { severity: how, forSeconds: long }),
      ),
    );

  it("what is said to begin is said to be over before it is said to begin again", () => {
    check((readings, change) => {
      const isOpen = new Map<string, boolean>();
      for (const { began, over, still } of follow(readings, change).notices) {
        for (const { subject, isAnnounced } of over) {
          if (isAnnounced) expect(isOpen.get(subject)).toBe(true);
          if (isAnnounced) isOpen.set(subject, false);
        }
        for (const { subject } of still) expect(isOpen.get(subject)).toBe(true);
        for (const { subject } of began) {
          expect(isOpen.get(subject) ?? false).toBe(false);
          isOpen.set(subject, true);
        }
      }
    });
  });

  it("no two messages come within a minute, but for something critical that begins", () => {
    check((readings, change) => {
      const { notices } = follow(readings, change);
      for (const [index, { at: when, began }] of notices.entries()) {
        const before = notices[index - 1];
        if (!before || began.some((alert: Alert) => alert.severity === "critical")) continue;
        expect(Date.parse(when) - Date.parse(before.at)).toBeGreaterThanOrEqual(timing.groupSeconds * 1_000);
      }
    });
  });

  it("what stays wrong is said within its time and the minute for company", () => {
    check((readings, change) => {
      const wrong = [...readings, ...Array(20).fill({ z: 30 })];
      const firing = follow(wrong, change);
      const found = firing.notices.find(({ began }) => began.some(({ subject }) => subject === "z"));
      const waited = (Date.parse(found!.at) - Date.parse(at(readings.length * every))) / 1_000;
      expect(waited).toBeLessThanOrEqual(change.forSeconds! + timing.groupSeconds);
    });
  });

  it("a monitor that is started again in between says the same", () => {
    fc.assert(
      fc.property(course, fc.nat(120), (readings, cut) => {
        const whole = follow(readings);
        const values = new Map(readings.map((readingsThen, index) => [at(index * every), readingsThen]));
        const policy = { rules: [givenRule({}, (takenAt) => values.get(takenAt) ?? null)], silences: [], timing };
        const snapshots = readings.map((_, index) => healthy(index * every));
        const first = run(snapshots.slice(0, cut), policy, noAlerts);
        const second = run(snapshots.slice(cut), policy, JSON.parse(JSON.stringify(first.state)));
        expect([...first.notices, ...second.notices]).toEqual(whole.notices);
      }),
    );
  });
});
