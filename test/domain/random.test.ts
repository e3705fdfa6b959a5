import { describe, expect, it } from "@jest/globals";
import { createRandom, xoshiro128 } from "../../src/domain/random.ts";

describe("random numbers", () => {
  it("are those of xoshiro128** for the state 1, 2, 3, 4", () => {
    const state = Uint32Array.of(1, 2, 3, 4);
    const numbers = Array.from({ length: 10 }, () => xoshiro128(state));
    expect(numbers).toEqual([
      11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804,
    ]);
  });

  it("stay the same for a seed, for papers already drawn hang on them", () => {
    const random = createRandom(42);
    expect(Array.from({ length: 8 }, () => random.below(1000))).toEqual([924, 897, 282, 142, 180, 290, 186, 688]);
  });

  it("are spread evenly, for neighbouring seeds too", () => {
    const counts = new Array<number>(6).fill(0);
    for (let seed = -3000; seed < 3000; seed++) counts[createRandom(seed).below(6)]! += 1;
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150); // five standard deviations
  });
});
