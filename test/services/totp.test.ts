import { describe, expect, it } from "@jest/globals";
import { newTotpSecret, otpauthUrl, totpStep } from "../../src/services/totp.ts";

/** "12345678901234567890" in base32, the secret of RFC 6238, appendix B; its codes have eight digits, of which these are the last six. */
const secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
const at = (seconds: number) => new Date(seconds * 1000);

describe("a code of an authenticator app", () => {
  it.each([
    [59, "287082"],
    [1_111_111_109, "081804"],
    [1_111_111_111, "050471"],
    [1_234_567_890, "005924"],
    [2_000_000_000, "279037"],
    [20_000_000_000, "353130"],
  ])("is at %d seconds what RFC 6238 says", async (seconds, code) => {
    expect(await totpStep(secret, code, at(seconds))).toBe(Math.floor(seconds / 30));
  });

  it("is good one step before its time and one after, and names its own step", async () => {
    const begins = 1_234_567_890; // a multiple of 30
    const good = [begins - 30, begins, begins + 59].map((seconds) => totpStep(secret, "005924", at(seconds)));
    expect(await Promise.all(good)).toEqual([begins / 30, begins / 30, begins / 30]);
    const late = [begins - 31, begins + 60].map((seconds) => totpStep(secret, "005924", at(seconds)));
    expect(await Promise.all(late)).toEqual([null, null]);
  });

  it.each(["", "28708", "2870820", "94287082", "abcdef", "28708\u0662", "-28708", "1e5000"])(
    "is not %j",
    async (code) => {
      expect(await totpStep(secret, code, at(59))).toBeNull();
    },
  );

  it("is of a secret of 160 bits that nobody else has", () => {
    const secrets = Array.from({ length: 100 }, newTotpSecret);
    expect(new Set(secrets).size).toBe(100);
    for (const one of secrets) expect(one).toMatch(/^[A-Z2-7]{32}$/);
  });

  it("finds its account in the app, whatever the address is made of", () => {
    const url = new URL(otpauthUrl(secret, "o'neill+exam@schüle.example"));
    expect(decodeURIComponent(url.pathname)).toContain("Lectern:o'neill+exam@schüle.example");
    expect(Object.fromEntries(url.searchParams)).toMatchObject({ secret, issuer: "Lectern" });
  });
});
