import { describe, expect, it } from "@jest/globals";
import { clientNetwork } from "../../src/middlewares/clientNetwork.ts";
import { createRequestBudget } from "../../src/middlewares/requestBudget.ts";

function aBudget(factor = 1) {
  let now = 1_000_000;
  const budget = createRequestBudget({ factor, clock: () => new Date(now) });
  return {
    ...budget,
    wait: (seconds: number) => {
      now += seconds * 1000;
    },
  };
}
const user = (userId: string, ip = "10.0.0.1") => ({ actor: { userId }, client: { ip } });
const visitor = (ip: string) => ({ actor: null, client: { ip } });

describe("a budget", () => {
  it("is six thousand points, and comes back within a minute", () => {
    const { charge, wait } = aBudget();
    expect(charge(user("a"), 6_000)).toBeNull();
    expect(charge(user("a"), 100)).toMatchObject({ code: "RATE_LIMITED", retryAfter: 1 });
    expect(charge(user("a"), 3_000)).toMatchObject({ code: "RATE_LIMITED", retryAfter: 30 });
    wait(1);
    expect(charge(user("a"), 100)).toBeNull();
    expect(charge(user("a"), 1)).not.toBeNull();
    wait(3_600);
    expect(charge(user("a"), 6_000)).toBeNull();
    expect(charge(user("a"), 1)).not.toBeNull();
  });

  it("is never met by a client that saves fifty times a second", () => {
    const { charge, wait } = aBudget();
    for (let second = 0; second < 600; second++) {
      for (let save = 0; save < 50; save++) expect(charge(user("a"), 1)).toBeNull();
      wait(1);
    }
  });

  it("is each user's own, wherever they are, and ten times as large for the visitors of a network", () => {
    const { charge } = aBudget();
    expect(charge(user("a", "10.0.0.1"), 6_000)).toBeNull();
    expect(charge(user("a", "10.0.0.2"), 1)).not.toBeNull();
    expect(charge(user("b", "10.0.0.1"), 6_000)).toBeNull();
    expect(charge(visitor("10.0.0.1"), 60_000)).toBeNull();
    expect(charge(visitor("10.0.0.1"), 1)).not.toBeNull();
    expect(charge(visitor("10.0.0.2"), 1)).toBeNull();
  });

  it("is multiplied by the factor", () => {
    const { charge } = aBudget(0.01);
    expect(charge(user("a"), 60)).toBeNull();
    expect(charge(user("a"), 1)).not.toBeNull();
  });

  it("is not lost or won when the clock goes back", () => {
    const { charge, wait } = aBudget();
    expect(charge(user("a"), 3_000)).toBeNull();
    wait(-3_600);
    expect(charge(user("a"), 3_000)).toBeNull();
    expect(charge(user("a"), 1)).not.toBeNull();
  });
});

describe("the network of a client", () => {
  it.each([
    ["192.0.2.7", "192.0.2.7"],
    ["::ffff:192.0.2.7", "192.0.2.7"],
    ["::1", "0:0:0:0::/64"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["2001:DB8:0:0:1:2:3:4", "2001:db8:0:0::/64"],
    ["2001:0db8:0000:0007::1", "2001:db8:0:7::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["2001:db8:1:2:3:4:192.0.2.7", "2001:db8:1:2::/64"],
    ["1::", "1:0:0:0::/64"],
  ])("of %s is %s", (ip, network) => {
    expect(clientNetwork(ip)).toBe(network);
  });

  it("is one for all whose address is not known", () => {
    expect(clientNetwork(null)).toBe("unknown");
  });
});
