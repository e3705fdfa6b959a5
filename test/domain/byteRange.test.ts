import { describe, expect, it } from "@jest/globals";
import { byteRange } from "../../src/domain/byteRange.ts";

describe("the range of a request for a file of ten bytes", () => {
  it.each([
    ["bytes=0-3", { start: 0, end: 3 }],
    ["bytes=4-", { start: 4, end: 9 }],
    ["bytes=9-9", { start: 9, end: 9 }],
    ["bytes=5-99", { start: 5, end: 9 }],
    ["bytes=-3", { start: 7, end: 9 }],
    ["bytes=-99", { start: 0, end: 9 }],
    ["bytes=10-", "NONE"],
    ["bytes=10-12", "NONE"],
    ["bytes=-0", "NONE"],
    [undefined, null],
    ["bytes=-", null],
    ["bytes=3-1", null],
    ["bytes=0-1,3-4", null],
    ["bytes=a-b", null],
    ["lines=0-1", null],
  ])("%s is %j", (header, range) => {
    expect(byteRange(header, 10)).toEqual(range);
  });

  it("is none in an empty file", () => {
    expect(byteRange("bytes=0-", 0)).toBe("NONE");
    expect(byteRange("bytes=-1", 0)).toBe("NONE");
  });
});
