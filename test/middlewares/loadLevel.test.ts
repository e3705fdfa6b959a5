import { describe, expect, it } from "@jest/globals";
import { createLineMeter } from "../../src/middlewares/lineMeter.ts";
import { createLoadLevel, type LoadFigures } from "../../src/middlewares/loadLevel.ts";

const CALM: LoadFigures = { loopMs: 0, poolMs: 0, poolStuckMs: 0, savesMs: 0 };

/** A level that is shown figures once a second, and the levels it then had. */
function aLevel() {
  const observe = createLoadLevel();
  let now = 0;
  return (seconds: number, figures: Partial<LoadFigures> = {}) =>
    Array.from({ length: seconds }, () => {
      now += 1_000;
      return observe({ ...CALM, ...figures }, now);
    });
}

describe("the level of load", () => {
  it("is normal on a machine that is merely busy", () => {
    const during = aLevel();
    expect(new Set(during(60, { loopMs: 700, poolMs: 2_000, savesMs: 2_000 }))).toEqual(new Set(["NORMAL"]));
  });

  it("does not change for one stall, or for a burst that is soon dealt with", () => {
    const during = aLevel();
    const seen = [during(1, { loopMs: 30_000 }), during(1), during(2, { poolMs: 9_000 }), during(3, { poolMs: 2_400 })];
    expect(new Set(seen.flat())).toEqual(new Set(["NORMAL"]));
  });

  it.each<Partial<LoadFigures>>([{ loopMs: 1_100 }, { poolMs: 2_600 }, { poolStuckMs: 60_000 }, { savesMs: 4_500 }])(
    "refuses reads, and no more, while it is %p",
    (figures) => {
      const during = aLevel();
      expect(during(3, figures)).toEqual(["NORMAL", "NORMAL", "READS"]);
      expect(new Set(during(60, figures))).toEqual(new Set(["READS"]));
    },
  );

  it.each<Partial<LoadFigures>>([{ loopMs: 3_500 }, { poolMs: 4_500 }, { savesMs: 6_000 }])(
    "refuses reads first and then saves while it is %p",
    (figures) => {
      const during = aLevel();
      expect(during(6, figures)).toEqual(["NORMAL", "NORMAL", "READS", "READS", "READS", "SAVES"]);
    },
  );

  it("goes back step by step, once it has been calm for a while", () => {
    const during = aLevel();
    during(6, { loopMs: 3_500 });
    expect(during(6)).toEqual(["SAVES", "SAVES", "READS", "READS", "READS", "NORMAL"]);
  });

  it("stays where it is while the figures are neither too much nor calm", () => {
    const during = aLevel();
    during(3, { loopMs: 1_100 });
    expect(new Set(during(60, { loopMs: 600 }))).toEqual(new Set(["READS"]));
    expect(during(3, { loopMs: 400 }).at(-1)).toBe("NORMAL");
  });
});

describe("the figures of a line", () => {
  /** A line read once a second after so many had their turn, while so many wait. */
  function aLine() {
    const [line, clock] = [{ waiting: 0, served: 0 }, { now: 0 }];
    const read = createLineMeter({ waiting: () => line.waiting, served: () => line.served }, 0);
    return (waiting: number, turns: number) => {
      line.waiting = waiting;
      line.served += turns;
      clock.now += 1_000;
      return read(clock.now);
    };
  }

  it("tell the wait by the pace, not by the length", () => {
    const next = aLine();
    expect(next(500, 2_000)).toEqual({ waitMs: 250, stuckMs: 0 });
    expect(next(5, 1)).toEqual({ waitMs: 5_000, stuckMs: 0 });
    expect(next(0, 0)).toEqual({ waitMs: 0, stuckMs: 0 });
  });

  it("tell for how long nobody has had a turn", () => {
    const next = aLine();
    expect([next(3, 0), next(9, 0)]).toEqual([
      { waitMs: 0, stuckMs: 1_000 },
      { waitMs: 0, stuckMs: 2_000 },
    ]);
    expect(next(9, 1).stuckMs).toBe(0);
  });
});
