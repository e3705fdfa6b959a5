import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { clipped, fromLine, type Interval, lengthMs, toLine, united } from "../../../src/domain/video/intervals.ts";

const END = 60;
const anInterval = fc.tuple(fc.nat(END), fc.nat(END)) as fc.Arbitrary<Interval>;
const someIntervals = fc.array(anInterval, { maxLength: 12 });

/** Every millisecond by itself: slow, and obviously right. */
const milliseconds = (intervals: readonly Interval[]): number[] =>
  Array.from({ length: END }, (_, ms) => ms).filter((ms) => intervals.some(([from, to]) => from <= ms && ms < to));

describe("united intervals", () => {
  it("hold the same milliseconds, each once", () => {
    fc.assert(
      fc.property(someIntervals, (intervals) => {
        expect(milliseconds(united(intervals))).toEqual(milliseconds(intervals));
        expect(lengthMs(united(intervals))).toBe(milliseconds(intervals).length);
      }),
    );
  });

  it("are in order, with gaps between them, and none is empty", () => {
    fc.assert(
      fc.property(someIntervals, (intervals) => {
        const edges = united(intervals).flat();
        expect(edges.every((edge, index) => index === 0 || edges[index - 1]! < edge)).toBe(true);
      }),
    );
  });

  it("do not change when they are united once more, in whatever order and however often", () => {
    fc.assert(
      fc.property(someIntervals, (intervals) => {
        const once = united(intervals);
        expect(united([...intervals.toReversed(), ...once])).toEqual(once);
      }),
    );
  });

  it("leave what they are given as it was", () => {
    const given: Interval[] = [
      [5, 9],
      [0, 6],
    ];
    united(given);
    expect(given).toEqual([
      [5, 9],
      [0, 6],
    ]);
  });
});

describe("clipped intervals", () => {
  it("hold what lies before the end and nothing else", () => {
    fc.assert(
      fc.property(someIntervals, fc.nat(END), (intervals, end) => {
        const whole = united(intervals);
        expect(milliseconds(clipped(whole, end))).toEqual(milliseconds(whole).filter((ms) => ms < end));
      }),
    );
  });
});

describe("a line of intervals", () => {
  it("is read as it was written", () => {
    fc.assert(fc.property(someIntervals, (intervals) => expect(fromLine(toLine(intervals))).toEqual(intervals)));
  });
});
