import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { statementsOf } from "../support/statements.ts";
import type { TestApp } from "../support/testApp.ts";

// The real hashing, counted: how long it takes says little on a busy machine.
const argon2 = await import("@node-rs/argon2");
const verified: string[] = [];
jest.unstable_mockModule("@node-rs/argon2", () => ({
  ...argon2,
  verify: (hashed: string, secret: string) => {
    verified.push(secret);
    return argon2.verify(hashed, secret);
  },
}));
const { createSharedSecretCheck, createTurns, hashSecret, verifySecret } = await import(
  "../../src/services/passwords.ts"
);
const { startTestApp } = await import("../support/testApp.ts");
const { somePeople } = await import("../support/school.ts");

beforeEach(() => {
  verified.length = 0;
});

describe("a password", () => {
  it("is kept as argon2id at OWASP's minimum or above, each time with another salt", async () => {
    const [one, two] = await Promise.all([hashSecret("open sesame"), hashSecret("open sesame")]);
    const [, memory, passes] = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=1\$/.exec(one)!;
    expect(Number(memory)).toBeGreaterThanOrEqual(19_456);
    expect(Number(passes)).toBeGreaterThanOrEqual(2);
    expect(two).not.toBe(one);
    expect([await verifySecret(one, "open sesame"), await verifySecret(one, "open sesam")]).toEqual([true, false]);
  });

  it("is hashed beside the event loop, which goes on meanwhile", async () => {
    let turns = 0;
    const turning = setInterval(() => turns++, 1);
    await Promise.all(Array.from({ length: 10 }, () => hashSecret("open sesame")));
    clearInterval(turning);
    expect(turns).toBeGreaterThan(0);
  });
});

describe("a storm of hashes", () => {
  /** Work that ends when it is told to. */
  function aWork() {
    let end = () => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const begun: string[] = [];
    const of = (name: string) => async () => {
      begun.push(name);
      await ended;
      return name;
    };
    return { of, begun, end };
  }

  it("is worked on a few at a time, in the order it came", async () => {
    const inTurn = createTurns({ atOnce: 2, mostWaiting: 10 });
    const { of, begun, end } = aWork();
    const all = ["a", "b", "c", "d"].map((name) => inTurn(of(name)));
    await new Promise(setImmediate);
    expect(begun).toEqual(["a", "b"]);
    end();
    expect(await Promise.all(all)).toEqual(["a", "b", "c", "d"]);
    expect(begun).toEqual(["a", "b", "c", "d"]);
  });

  it("sends those away who would wait too long, tells them when to come back, and serves all who wait", async () => {
    const inTurn = createTurns({ atOnce: 1, mostWaiting: 2 });
    const { of, end } = aWork();
    const first = inTurn(of("first"));
    await new Promise(setImmediate); // it has begun, and waits no more
    const waiting = [inTurn(of("second")), inTurn(of("third"))];
    await expect(inTurn(of("one too many"))).rejects.toMatchObject({
      code: "SERVICE_UNAVAILABLE",
      retryAfter: expect.any(Number),
    });
    end();
    expect(await Promise.all([first, ...waiting])).toEqual(["first", "second", "third"]);
    expect(await inTurn(of("later"))).toBe("later");
  });

  it("goes on after work that failed", async () => {
    const inTurn = createTurns({ atOnce: 1, mostWaiting: 2 });
    await expect(inTurn(() => Promise.reject(new Error("broken")))).rejects.toThrow("broken");
    expect(await inTurn(async () => "fine")).toBe("fine");
  });
});

describe("a secret that many share", () => {
  it("is checked once for all who type it in the same moment, and for those after them", async () => {
    const check = createSharedSecretCheck();
    const hashed = await hashSecret("room 12");
    expect(await Promise.all(Array.from({ length: 50 }, () => check(hashed, "room 12")))).toEqual(Array(50).fill(true));
    expect(await check(hashed, "room 12")).toBe(true);
    expect(verified).toEqual(["room 12"]);
  });

  it("is not remembered when it was wrong, nor when it could not be checked", async () => {
    const check = createSharedSecretCheck();
    const hashed = await hashSecret("room 12");
    expect(await check(hashed, "room 13")).toBe(false);
    expect(await check(hashed, "room 13")).toBe(false);
    expect(verified).toEqual(["room 13", "room 13"]);
    await expect(check("no hash", "room 12")).rejects.toThrow();
    await expect(check("no hash", "room 12")).rejects.toThrow();
    expect(await check(hashed, "room 12")).toBe(true);
  });
});

describe("a log-in that is refused", () => {
  const LOGIN =
    "mutation ($email: String!, $password: String!) { login(email: $email, password: $password) { accessToken } }";
  let app: TestApp;
  const emails: Record<string, string> = { "with an unknown address": "nobody@school.example" };
  beforeAll(async () => {
    app = await startTestApp();
    const [known, disabled, invited] = await somePeople(app.container, 3);
    emails["with a wrong password"] = known!.email;
    emails["to a disabled account"] = disabled!.email;
    emails["to an account without a password"] = invited!.email;
    const { user } = app.container.db;
    await user.updateMany({ data: { passwordHash: await hashSecret("right") } });
    await user.update({ where: { id: disabled!.id }, data: { disabledAt: new Date() } });
    await user.update({ where: { id: invited!.id }, data: { passwordHash: null } });
  });
  afterAll(() => app.close());

  it.each([
    "with a wrong password",
    "with an unknown address",
    "to a disabled account",
    "to an account without a password",
  ])("does the same work as every other: %s", async (which) => {
    const password = which.includes("disabled") ? "right" : "wrong";
    const statements = await statementsOf(app, async () => {
      expect(await app.refusal(LOGIN, { email: emails[which]!, password })).toBe("WRONG_CREDENTIALS");
    });
    expect(verified).toEqual([password]);
    expect(statements).toHaveLength(1);
    expect(statements[0]).toMatch(/^SELECT .* FROM "public"."users"/);
  });
});
