import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { uuidv7 } from "uuidv7";
import { limits } from "../../src/middlewares/rateLimit.ts";
import { hashSecret } from "../../src/services/passwords.ts";
import { createLink } from "../redis/link.ts";
import { somePeople } from "../support/school.ts";
import { firstOf } from "../support/subscriber.ts";
import { type GraphqlAnswer, startTestApp, type TestApp } from "../support/testApp.ts";
import { testRedis } from "../support/testDatabase.ts";

/** A fifth of everything, to spare the machine hundreds of hashes. */
const FACTOR = 0.2;
/** Log-ins that are under way together. */
const AT_ONCE = 20;
const most = (field: string, per: string): number => {
  const limit = limits[field]!.limits.find((each) => each.per === per)!;
  return Math.round(limit.most * FACTOR);
};

const LOGIN =
  "mutation ($email: String!, $password: String!) { login(email: $email, password: $password) { accessToken } }";
const REGISTER = "mutation ($input: RegisterInput!) { register(input: $input) { jobId } }";
const password = "correct horse battery staple";
const wrong = "incorrect horse battery staple";

let app: TestApp;
let passwordHash: string;
beforeAll(async () => {
  app = await startTestApp({ env: { RATE_LIMIT_FACTOR: String(FACTOR), TRUST_PROXY: "true" } });
  passwordHash = await hashSecret(password);
});
afterAll(() => app.close());

let networks = 0;
/** An address nobody has come from before. */
const aNetwork = () => `10.${++networks >> 8}.${networks & 255}.7`;

async function someAccounts(count: number, at: TestApp = app): Promise<string[]> {
  const people = await somePeople(at.container, count);
  const emails = people.map(({ email }) => email);
  await at.container.db.user.updateMany({ where: { email: { in: emails } }, data: { passwordHash } });
  return emails;
}
const anAccount = async (at?: TestApp): Promise<string> => (await someAccounts(1, at))[0]!;

interface Asked {
  from?: string;
  token?: string;
  at?: TestApp;
}

/** A request that comes through a proxy from some network. */
async function ask(
  query: string,
  variables: Record<string, unknown>,
  { from = "10.255.255.1", token, at = app }: Asked = {},
): Promise<GraphqlAnswer> {
  const response = await fetch(`${at.url}/graphql`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-forwarded-for": from,
      ...(token && { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ query, variables }),
  });
  const body = (await response.json()) as Pick<GraphqlAnswer, "data" | "errors">;
  return { status: response.status, headers: response.headers, ...body };
}
const outcome = ({ errors }: GraphqlAnswer): unknown =>
  errors ? (errors[0]!.extensions.reason ?? errors[0]!.extensions.code) : "in";
const logIn = async (email: string, secret: string, from: string, at?: TestApp): Promise<unknown> =>
  outcome(await ask(LOGIN, { email, password: secret }, { from, at }));
async function failOften(times: number, email: string, from: string, at?: TestApp): Promise<void> {
  for (let time = 0; time < times; time++) expect(await logIn(email, wrong, from, at)).toBe("WRONG_CREDENTIALS");
}

describe("guessing a password", () => {
  const tries = most("login", "address from one network");

  it("ends after some tries, for the right one too, and says how long", async () => {
    const [email, from] = [await anAccount(), aNetwork()];
    await failOften(tries, email, from);
    const { errors, headers, data } = await ask(LOGIN, { email, password }, { from });
    expect(data).toBeNull();
    expect(errors).toMatchObject([
      { extensions: { code: "RATE_LIMITED", status: 429, retryAfter: expect.any(Number) } },
    ]);
    const { retryAfter } = errors![0]!.extensions;
    expect(retryAfter).toBeGreaterThan(0);
    expect(retryAfter).toBeLessThanOrEqual(900);
    expect(headers.get("retry-after")).toBe(String(retryAfter));
  });

  it("keeps nobody out who comes from elsewhere, nor others from there", async () => {
    const [email, another, from] = [await anAccount(), await anAccount(), aNetwork()];
    await failOften(tries, email, from);
    expect(await logIn(email, password, aNetwork())).toBe("in");
    expect(await logIn(another, password, from)).toBe("in");
  });

  it("ends alike for an address without an account", async () => {
    const [email, from] = [`${uuidv7()}@nowhere.example`, aNetwork()];
    await failOften(tries, email, from);
    expect(await logIn(email, wrong, from)).toBe("RATE_LIMITED");
  });

  it("is counted together for all spellings of an address", async () => {
    const [email, from] = [await anAccount(), aNetwork()];
    await failOften(tries - 1, email, from);
    await failOften(1, ` ${email.toUpperCase()} `, from);
    expect(await logIn(email, password, from)).toBe("RATE_LIMITED");
  });

  it("is counted when many guesses are sent at once", async () => {
    const [email, from] = [await anAccount(), aNetwork()];
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => logIn(email, wrong, from)));
    expect(outcomes.filter((each) => each === "WRONG_CREDENTIALS")).toHaveLength(tries);
    expect(outcomes.filter((each) => each === "RATE_LIMITED")).toHaveLength(20 - tries);
  });

  it("is counted when many guesses are sent in one request", async () => {
    const [email, from] = [await anAccount(), aNetwork()];
    const aliases = Array.from(
      { length: 10 },
      (_, n) => `g${n}: login(email: $email, password: "${n}") { accessToken }`,
    );
    const { errors } = await ask(`mutation ($email: String!) { ${aliases.join(" ")} }`, { email }, { from });
    expect(errors).toBeDefined();
    expect(await logIn(email, password, from)).toBe("RATE_LIMITED");
  });

  it("is not what somebody does who logs in again and again", async () => {
    const [email, from] = [await anAccount(), aNetwork()];
    for (let time = 0; time < 3 * tries; time++) expect(await logIn(email, password, from)).toBe("in");
  });

  it("ends from everywhere in the end, but not where the owner has logged in before", async () => {
    const [email, home] = [await anAccount(), aNetwork()];
    expect(await logIn(email, password, home)).toBe("in");
    for (let done = 0; done < most("login", "address"); done += tries) await failOften(tries, email, aNetwork());
    expect(await logIn(email, password, aNetwork())).toBe("RATE_LIMITED");
    expect(await logIn(email, password, home)).toBe("in");
  });

  it("ends for a network that tries many addresses, and for that one alone, but not for who has logged in from it before", async () => {
    const [regular, from] = [await anAccount(), aNetwork()];
    expect(await logIn(regular, password, from)).toBe("in");
    const failures = most("login", "network");
    // Not all at once: what would wait for long to be hashed is told to come back later.
    for (let tried = 0; tried < failures; tried += AT_ONCE) {
      const length = Math.min(AT_ONCE, failures - tried);
      const some = Array.from({ length }, () => logIn(`${uuidv7()}@nowhere.example`, wrong, from));
      expect(new Set(await Promise.all(some))).toEqual(new Set(["WRONG_CREDENTIALS"]));
    }
    const email = await anAccount();
    expect(await logIn(email, password, from)).toBe("RATE_LIMITED");
    expect(await logIn(email, password, aNetwork())).toBe("in");
    expect(await logIn(regular, password, from)).toBe("in");
  });

  it.each([
    ["addresses of one IPv6 network", "2001:db8:0:7::1", "2001:db8::7:a:b:c:d", "RATE_LIMITED"],
    ["addresses of two IPv6 networks", "2001:db8:0:8::1", "2001:db8:0:9::1", "in"],
    ["an IPv4 address and the same within IPv6", "192.0.2.1", "::ffff:192.0.2.1", "RATE_LIMITED"],
  ])("from %s is counted as it should be", async (_what, here, there, expected) => {
    const email = await anAccount();
    await failOften(tries, email, here);
    expect(await logIn(email, password, there)).toBe(expected);
  });

  it.each(["ws", "sse"] as const)("is counted over %s together with HTTP", async (over) => {
    const [email, from] = [await anAccount(), "127.0.0.1"]; // where this process comes from without a proxy
    const { errors } = await firstOf(app.url, LOGIN, { email, password: wrong }, undefined, over);
    expect(errors![0]!.extensions.reason).toBe("WRONG_CREDENTIALS");
    await failOften(tries - 1, email, from);
    const refused = await firstOf(app.url, LOGIN, { email, password }, undefined, over);
    expect(refused.errors![0]!.extensions).toMatchObject({ code: "RATE_LIMITED", retryAfter: expect.any(Number) });
  });

  it("is counted by all servers together", async () => {
    const other = await startTestApp({ beside: app });
    try {
      const [email, from] = [await anAccount(), aNetwork()];
      await failOften(tries, email, from);
      expect(await logIn(email, password, from, other)).toBe("RATE_LIMITED");
    } finally {
      await other.close();
    }
  });

  it("leaves no address in Redis", async () => {
    const [email, from] = [await anAccount(), aNetwork()];
    await failOften(1, email, from);
    const { REDIS_PREFIX } = app.config;
    const keys = await app.container.cacheRedis.keys(`${REDIS_PREFIX}:tries:*`);
    expect(keys).toContainEqual(expect.stringContaining(from));
    expect(keys.filter((key) => key.includes("@") || key.includes(email.slice(0, 36)))).toEqual([]);
  });
});

describe("a school that logs in at one moment", () => {
  it("gets in, though it is more people than may fail there", async () => {
    const emails = await someAccounts(most("login", "network") + 20);
    const from = aNetwork();
    const outcomes = await Promise.all(emails.map((email) => logIn(email, password, from)));
    expect(new Set(outcomes)).toEqual(new Set(["in"]));
  });
});

describe("mails to an address", () => {
  const asks: Record<string, (email: string, from: string) => Promise<GraphqlAnswer>> = {
    register: (email, from) => ask(REGISTER, { input: { email, password, name: "Somebody" } }, { from }),
    requestPasswordReset: (email, from) =>
      ask("mutation ($email: String!) { requestPasswordReset(email: $email) { queued } }", { email }, { from }),
    resendVerification: (email, from) =>
      ask("mutation ($email: String!) { resendVerification(email: $email) { queued } }", { email }, { from }),
  };

  it.each(Object.keys(asks))(
    "cannot be asked for again and again by %s, whether it has an account or not",
    async (field) => {
      for (const email of [await anAccount(), `${uuidv7()}@nowhere.example`]) {
        for (let time = 0; time < most(field, "address"); time++)
          expect(outcome(await asks[field]!(email, aNetwork()))).toBe("in");
        expect(outcome(await asks[field]!(email, aNetwork()))).toBe("RATE_LIMITED");
      }
    },
  );

  it("are not used up by somebody who mistypes", async () => {
    const [email, from] = [`${uuidv7()}@nowhere.example`, aNetwork()];
    for (let time = 0; time < 5; time++)
      expect(outcome(await ask(REGISTER, { input: { email, password: "short", name: "S" } }, { from }))).toBe(
        "BAD_USER_INPUT",
      );
    expect(outcome(await asks.register!(email, from))).toBe("in");
  });
});

describe("somebody with a stolen session", () => {
  it("cannot guess the password by any of the acts that ask for it, and others are not kept from theirs", async () => {
    const [victim, other] = await somePeople(app.container, 2);
    const people = { id: { in: [victim!.id, other!.id] } };
    await app.container.db.user.updateMany({ where: people, data: { passwordHash } });
    const change = (token: string, currentPassword: string) =>
      ask(
        'mutation ($now: String!) { changePassword(currentPassword: $now, newPassword: "quite another long one") { accessTokenExpiresAt } }',
        { now: currentPassword },
        { token },
      );
    const setUp = (token: string, own: string) =>
      ask("mutation ($own: String!) { setUpSecondFactor(password: $own) { secret } }", { own }, { token });
    const tries = most("changePassword", "user");
    for (let time = 0; time < tries; time++)
      expect(outcome(await (time % 2 ? setUp : change)(victim!.token, wrong))).toBe("WRONG_CREDENTIALS");
    expect(outcome(await change(victim!.token, password))).toBe("RATE_LIMITED");
    expect(outcome(await setUp(victim!.token, password))).toBe("RATE_LIMITED");
    expect(outcome(await setUp(other!.token, password))).toBe("in");
  });
});

describe("invented tokens", () => {
  it("are refused with the same words until there were too many from one network", async () => {
    const from = aNetwork();
    const verify = () => ask('mutation { verifyEmail(token: "invented") { id } }', {}, { from });
    for (let time = 0; time < most("verifyEmail", "network"); time++)
      expect(outcome(await verify())).toBe("TOKEN_NOT_GOOD");
    expect(outcome(await verify())).toBe("RATE_LIMITED");
  });
});

describe("the table of limits", () => {
  it("has every act that takes a password, a code or a mailed token", async () => {
    const { data } = await app.ask("{ __schema { mutationType { fields { name args { name } } } } }");
    const secret = new Set(["password", "currentPassword", "code", "token"]);
    const acts = (data.__schema.mutationType.fields as { name: string; args: { name: string }[] }[])
      .filter(({ args }) => args.some(({ name }) => secret.has(name)))
      .map(({ name }) => name);
    expect(acts.length).toBeGreaterThan(5);
    expect(acts.filter((name) => !(name in limits))).toEqual([]);
  });
});

describe("while Redis is away", () => {
  it("log-ins go on, each server counts by itself, and all together again when it is back", async () => {
    const link = await createLink(testRedis().url);
    const alone = await startTestApp({
      env: { RATE_LIMIT_FACTOR: String(FACTOR), TRUST_PROXY: "true", CACHE_REDIS_URL: link.url },
    });
    try {
      const tries = most("login", "address from one network");
      const [email, from] = [await anAccount(alone), aNetwork()];
      link.cut();
      expect(await logIn(email, password, from, alone)).toBe("in");
      await failOften(tries, email, from, alone);
      expect(await logIn(email, password, from, alone)).toBe("RATE_LIMITED");
      link.restore();
      await new Promise<void>((resolve) => {
        if (alone.container.cacheRedis.status === "ready") resolve();
        else alone.container.cacheRedis.once("ready", () => resolve());
      });
      expect(await logIn(email, password, from, alone)).toBe("in");
    } finally {
      await alone.close();
      link.close();
    }
  });
});

describe("the budget of the API", () => {
  /** 20 fields with 100 entries each: 60 points. */
  const DEAR = `{ ${Array.from({ length: 20 }, (_, n) => `c${n}: courses(first: 100) { nodes { id } }`).join(" ")} }`;
  const CHEAP = "{ courses(first: 1) { nodes { id } } }";

  it("ends for who asks for very much, weighted by what is asked, and for nobody else", async () => {
    const [greedy, modest] = await somePeople(app.container, 2);
    let refused: GraphqlAnswer | undefined;
    for (let time = 0; time < 60 && !refused; time++) {
      const answer = await ask(DEAR, {}, { token: greedy!.token });
      if (answer.errors) refused = answer;
    }
    expect(refused!.errors).toMatchObject([
      { extensions: { code: "RATE_LIMITED", status: 429, retryAfter: expect.any(Number) } },
    ]);
    expect(refused!.headers.get("retry-after")).toBe(String(refused!.errors![0]!.extensions.retryAfter));
    expect(outcome(await ask(CHEAP, {}, { token: greedy!.token }))).toBe("in");
    expect(outcome(await ask(DEAR, {}, { token: modest!.token }))).toBe("in");
  });

  it.each(["ws", "sse"] as const)(
    "lets nobody ask for too many entries at once over %s, as over HTTP",
    async (over) => {
      const [person] = await somePeople(app.container, 1);
      const TOO_MANY = "{ courses(first: 100) { nodes { enrollments(first: 100) { nodes { user { id } } } } } }";
      expect(outcome(await ask(TOO_MANY, {}, { token: person!.token }))).toBe("TOO_MANY_NODES");
      const { errors } = await firstOf(app.url, TOO_MANY, {}, person!.token, over);
      expect(errors![0]!.extensions.reason).toBe("TOO_MANY_NODES");
    },
  );

  describe("that is used up", () => {
    let poor: TestApp;
    beforeAll(async () => {
      poor = await startTestApp({ env: { RATE_LIMIT_FACTOR: "0.001" } }); // six points for a user
    });
    afterAll(() => poor.close());

    it("refuses before anything is parsed, with the status 429", async () => {
      const [person] = await somePeople(poor.container, 1);
      for (let time = 0; time < 6; time++) await poor.ask("{", {}, person!.token);
      const { status, headers, errors } = await poor.ask("{", {}, person!.token);
      expect(status).toBe(429);
      expect(Number(headers.get("retry-after"))).toBeGreaterThan(0);
      expect(errors).toMatchObject([{ extensions: { code: "RATE_LIMITED", status: 429 } }]);
    });

    it("still answers what was answered before", async () => {
      const [person] = await somePeople(poor.container, 1);
      const ME = "{ me { id name } }";
      expect((await poor.ask(ME, {}, person!.token)).headers.get("x-lectern-cache")).toBe("miss");
      for (let time = 0; time < 20; time++) {
        const { headers, data } = await poor.ask(ME, {}, person!.token);
        expect(headers.get("x-lectern-cache")).toBe("hit");
        expect(data.me.id).toBe(person!.id);
      }
    });

    it.each(["ws", "sse"] as const)("refuses over %s too", async (over) => {
      const [person] = await somePeople(poor.container, 1);
      for (let time = 0; time < 6; time++)
        expect((await firstOf(poor.url, "{ serverTime }", {}, person!.token, over)).errors).toBeUndefined();
      const refused = await firstOf(poor.url, "{ serverTime }", {}, person!.token, over);
      expect(refused.errors![0]!.extensions).toMatchObject({ code: "RATE_LIMITED", retryAfter: expect.any(Number) });
    });
  });
});
