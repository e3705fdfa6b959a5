import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { spriteSheets, spriteVtt } from "../../../src/domain/video/spriteSheet.ts";

const cuesOf = (vtt: string) => [...vtt.matchAll(/^(\S+) --> (\S+)\n(\S+)#xywh=(\d+),(\d+),(\d+),(\d+)$/gm)];

describe("the small pictures of a video", () => {
  it("are one every two seconds, on one sheet for a short one", () => {
    const sheets = spriteSheets({ durationSeconds: 5, width: 1280, height: 720 });
    expect(sheets).toEqual({
      ...{ intervalSeconds: 2, tileWidth: 160, tileHeight: 90, columns: 3, rows: 1, tiles: 3, sheets: 1 },
    });
    expect(spriteVtt(sheets, 5)).toBe(
      `WEBVTT

00:00:00.000 --> 00:00:02.000
sprite_0.jpg#xywh=0,0,160,90

00:00:02.000 --> 00:00:04.000
sprite_0.jpg#xywh=160,0,160,90

00:00:04.000 --> 00:00:05.000
sprite_0.jpg#xywh=320,0,160,90
`,
    );
  });

  it("stand upright where the video does", () => {
    expect(spriteSheets({ durationSeconds: 5, width: 720, height: 1280 })).toMatchObject({
      tileWidth: 90,
      tileHeight: 160,
    });
  });

  it("cover every second once, each within its sheet", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 14_400 }), (durationSeconds) => {
        const sheets = spriteSheets({ durationSeconds, width: 640, height: 360 });
        const cues = cuesOf(spriteVtt(sheets, durationSeconds));
        expect(cues).toHaveLength(sheets.tiles);
        cues.forEach(([, from, to, file, x, y, width, height], at) => {
          expect(from).toBe(at === 0 ? "00:00:00.000" : cues[at - 1]![2]);
          expect(to! > from!).toBe(true);
          expect(Number(/\d+/.exec(file!)![0])).toBeLessThan(sheets.sheets);
          expect(Number(x) + Number(width)).toBeLessThanOrEqual(sheets.columns * sheets.tileWidth);
          expect(Number(y) + Number(height)).toBeLessThanOrEqual(sheets.rows * sheets.tileHeight);
        });
        expect(new Set(cues.map(([, , , file, x, y]) => `${file} ${x} ${y}`)).size).toBe(cues.length);
      }),
      { numRuns: 20 },
    );
  });
});
