import { describe, expect, it } from "@jest/globals";
import { processingPercent } from "../../../src/domain/video/processingPercent.ts";

const size = (width: number, height: number, percent: number) => ({ width, height, percent });

describe("how much of a processing is done", () => {
  it("is nothing while the file is being looked at", () => expect(processingPercent([], false)).toBe(0));

  it("counts each size by its pixels", () => {
    expect(processingPercent([size(200, 100, 0), size(100, 100, 100)], false)).toBe(2 + 31);
    expect(processingPercent([size(200, 100, 100), size(100, 100, 0)], true)).toBe(2 + 3 + 63);
  });

  it("is below a hundred until all is put together", () => {
    expect(processingPercent([size(200, 100, 100)], true)).toBe(99);
  });
});
