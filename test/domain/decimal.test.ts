import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { parseNumber } from "../../src/domain/decimal.ts";

describe("parseNumber", () => {
  it.each([
    ["3.14", "3.14"],
    ["3,14", "3.14"],
    [" -2 ", "-2"],
    ["\u22122", "-2"],
    ["+ 5", "5"],
    [".5", "0.5"],
    ["5.", "5"],
    ["1e-3", "0.001"],
    ["1.5×10^3", "1500"],
    ["2*10^-2", "0.02"],
    ["12 000", "12000"],
    ["1\u202f234\u202f567,5", "1234567.5"],
    ["-0", "0"],
  ])("reads %j as %s", (text, number) => {
    expect(parseNumber(text)?.plus(0).toString()).toBe(number);
  });

  it.each(["", " ", "+", ".", ",", "e5", "1 2", "1 23", "12 0000", "1e", "1..2", "1,2,3", "1e101", "9".repeat(61)])(
    "refuses %j",
    (text) => {
      expect(parseNumber(text)).toBeNull();
    },
  );

  it("reads every double of ordinary size back as itself", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, min: -1e90, max: 1e90 }), (double) => {
        const number = Math.abs(double) < 1e-90 ? 0 : double;
        expect(parseNumber(String(number))?.toNumber()).toBe(number);
      }),
    );
  });
});
