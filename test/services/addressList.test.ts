import { describe, expect, it } from "@jest/globals";
import { addressList, addressMatcher } from "../../src/services/addressList.ts";

const problemsOf = (entries: unknown) =>
  addressList.safeParse(entries).error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);

describe("a list of addresses", () => {
  it.each([
    ["192.0.2.7", "192.0.2.7", true],
    ["192.0.2.7", "192.0.2.8", false],
    ["192.0.2.7", "::ffff:192.0.2.7", true],
    ["::ffff:192.0.2.7", "192.0.2.7", true],
    ["192.0.2.0/24", "192.0.2.255", true],
    ["192.0.2.0/24", "192.0.3.0", false],
    ["192.0.2.99/24", "192.0.2.1", true],
    ["::ffff:192.0.2.0/120", "192.0.2.200", true],
    ["::ffff:192.0.2.0/120", "192.0.3.1", false],
    ["0.0.0.0/0", "203.0.113.9", true],
    ["0.0.0.0/0", "2001:db8::1", false],
    ["2001:db8::/32", "2001:db8:ffff::1", true],
    ["2001:DB8:0:0::/32", "2001:db9::1", false],
    ["2001:db8::1", "2001:0db8:0:0:0:0:0:1", true],
    ["fe80::/10", "fe80::1%eth0", true],
    [" 192.0.2.7 ", "192.0.2.7", true],
  ])("that holds %s has %s in it: %s", (entry, ip, isIn) => {
    expect(addressMatcher(addressList.parse([entry])!)(ip)).toBe(isIn);
  });

  it("has no address in it that is not known, or none at all", () => {
    const matches = addressMatcher(["0.0.0.0/0", "::/0"]);
    expect([matches(null), matches(""), matches("unknown"), matches("192.0.2.1, 10.0.0.1")]).toEqual(
      Array(4).fill(false),
    );
  });

  it.each([
    "",
    "school.example",
    "192.0.2",
    "192.0.2.0/33",
    "192.0.2.0/-1",
    "192.0.2.0/",
    "192.0.2.0/24/24",
    "::ffff:192.0.2.0/90",
    "2001:db8::/129",
    "fe80::1%eth0",
    "192.0.2.1-192.0.2.9",
  ])("refuses %j and names it", (entry) => {
    expect(problemsOf(["192.0.2.1", entry])).toEqual([
      `1: ${JSON.stringify(entry)} is neither an IP address nor a network such as 192.0.2.0/24 or 2001:db8::/32`,
    ]);
  });

  it("is the same when it is null and when it is empty, has at most 200 entries, and may be left out", () => {
    expect(addressList.parse(null)).toEqual([]);
    expect(addressList.parse([])).toEqual([]);
    expect(addressList.parse(undefined)).toBeUndefined();
    expect(problemsOf(Array(201).fill("192.0.2.1"))).toEqual([": has at most 200 entries"]);
  });
});
