import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { ladderFor } from "../../../src/domain/video/ladder.ts";

const sizes = (width: number, height: number) =>
  ladderFor({ width, height }).map((rung) => `${rung.width}x${rung.height}`);

describe("the sizes a video is offered in", () => {
  it.each([
    [1920, 1080, ["1920x1080", "1280x720", "852x480", "640x360"]],
    [1280, 720, ["1280x720", "852x480", "640x360"]],
    [3840, 2160, ["1920x1080", "1280x720", "852x480", "640x360"]],
    [1080, 1920, ["1080x1920", "720x1280", "480x852", "360x640"]],
    [640, 480, ["640x480", "480x360"]],
    [853, 479, ["640x360"]],
    [320, 240, ["320x240"]],
    [321, 241, ["320x240"]],
  ])("of %i × %i are %j", (width, height, expected) => expect(sizes(width, height)).toEqual(expected));

  it("are even, never above the source, different from each other and the largest first", () => {
    const side = fc.integer({ min: 16, max: 4096 });
    fc.assert(
      fc.property(side, side, (width, height) => {
        const rungs = ladderFor({ width, height });
        expect(rungs.length).toBeGreaterThan(0);
        for (const rung of rungs) {
          expect([rung.width % 2, rung.height % 2]).toEqual([0, 0]);
          expect(rung.width <= width && rung.height <= height).toBe(true);
          expect(rung.videoBits).toBeGreaterThan(0);
        }
        const heights = rungs.map((rung) => rung.height);
        expect([...new Set(heights)].sort((a, b) => b - a)).toEqual(heights);
      }),
    );
  });
});
