import { generateKeyPairSync } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { createRemoteJWKSet, decodeProtectedHeader, errors, jwtVerify, SignJWT, UnsecuredJWT } from "jose";
import { anAccount, askWith, type LoggedIn, logIn, ME, REFRESH } from "../support/accounts.ts";
import { eventually } from "../support/eventually.ts";
import { anExam, aSchool } from "../support/school.ts";
import { subscribeTo } from "../support/subscriber.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";
import { nothingsId } from "../support/world.ts";

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp({ env: { ACCESS_TOKEN_SECONDS: "3" } });
});
afterAll(() => app.close());

const LIST = "{ courses { totalCount } }";
const isBelieved = async (token: string, at = app) => (await at.ask(ME, {}, token)).data.me !== null;
const newKey = () => generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }) as string;
const anLogIn = async (): Promise<LoggedIn> => logIn(app, (await anAccount(app)).email);
const kidOf = (token: string) => decodeProtectedHeader(token).kid;
const expiryOf = (token: LoggedIn) =>
  new Promise((resolve) => setTimeout(resolve, Date.parse(token.accessTokenExpiresAt) - Date.now() + 5));

describe("an access token", () => {
  it("is good for as long as it says, and not after", async () => {
    const tokens = await anLogIn();
    expect(await app.refusal(LIST, {}, tokens.accessToken)).toBeUndefined();
    await expiryOf(tokens);
    expect(await app.refusal(LIST, {}, tokens.accessToken)).toBe("UNAUTHENTICATED");
  });

  it("is taken whatever the case of the scheme's name, and under no other", async () => {
    const { accessToken, user } = await anLogIn();
    const viewer = async (authorization: string) => (await askWith(app, { authorization }, ME)).data.me?.id ?? null;
    for (const scheme of ["Bearer", "bearer", "BEARER", "Bearer "])
      expect([scheme, await viewer(`${scheme} ${accessToken}`)]).toEqual([scheme, user.id]);
    for (const nothing of [accessToken, `Basic ${accessToken}`, `Bearer${accessToken}`, "Bearer", "Bearer "])
      expect([nothing, await viewer(nothing)]).toEqual([nothing, null]);
  });

  it("makes a visitor of somebody who forged it", async () => {
    const { accessToken, user } = await anLogIn();
    const claims = { role: "ADMIN", sid: nothingsId() };
    const stranger = generateKeyPairSync("ed25519").privateKey;
    const sign = (key: Parameters<SignJWT["sign"]>[0], header: { alg: string; kid?: string }) =>
      new SignJWT(claims)
        .setProtectedHeader(header)
        .setIssuer("lectern")
        .setSubject(user.id)
        .setExpirationTime("1h")
        .sign(key);
    const [head, , signature] = accessToken.split(".");
    const body = Buffer.from(JSON.stringify({ ...claims, sub: user.id, iss: "lectern", exp: 4_000_000_000 }));
    const forged = {
      "with another key": await sign(stranger, { alg: "EdDSA" }),
      "with another key under our key's name": await sign(stranger, { alg: "EdDSA", kid: kidOf(accessToken) }),
      "with a shared secret": await sign(new TextEncoder().encode("secret"), { alg: "HS256", kid: kidOf(accessToken) }),
      "without a signature": new UnsecuredJWT(claims)
        .setIssuer("lectern")
        .setSubject(user.id)
        .setExpirationTime("1h")
        .encode(),
      "with the signature of another": `${head}.${body.toString("base64url")}.${signature}`,
      nonsense: "nonsense",
    };
    for (const [how, token] of Object.entries(forged)) {
      expect([how, await app.refusal(LIST, {}, token)]).toEqual([how, "UNAUTHENTICATED"]);
      expect([how, await isBelieved(token)]).toEqual([how, false]);
    }
  });

  it.each(["ws", "sse"] as const)("ends what it subscribed to over %s when it expires", async (over) => {
    const school = await aSchool(app.container);
    const { examId } = await anExam(app.container, school);
    const student = school.students[0]!;
    const { id } = await app.container.services.attempts.start(student.actor, examId);
    const { token } = await app.container.tokens.sign(student.actor);
    const ATTEMPT = "subscription ($id: ID!) { attemptChanged(attemptId: $id) { status } }";
    const seen = [];
    for await (const { data, errors } of subscribeTo(app.url, ATTEMPT, { id }, token, over))
      seen.push(data?.attemptChanged.status ?? errors?.[0]?.extensions.code);
    expect(seen).toEqual(["IN_PROGRESS", "UNAUTHENTICATED"]);
    await eventually("nobody listens any more", async () => {
      const channels = (await app.container.cacheRedis.pubsub("CHANNELS", `${app.config.REDIS_PREFIX}:*`)) as string[];
      return !channels.some((channel) => channel.endsWith(id));
    });
  });
});

describe("the key set", () => {
  const keySet = (at = app) => new URL(`${at.url}/.well-known/jwks.json`);

  it("lets a stranger verify a token", async () => {
    const { accessToken, user } = await anLogIn();
    const keys = createRemoteJWKSet(keySet());
    const { payload } = await jwtVerify(accessToken, keys, { issuer: "lectern", algorithms: ["EdDSA"] });
    expect(payload).toMatchObject({ sub: user.id, role: "STUDENT" });
    const [head, body, signature] = accessToken.split(".");
    const changed = `${head}.${body}.${signature!.startsWith("A") ? "B" : "A"}${signature!.slice(1)}`;
    await expect(jwtVerify(changed, keys)).rejects.toThrow(errors.JWSSignatureVerificationFailed);
  });

  it("holds public keys only, may be kept for minutes and read by pages of any site", async () => {
    const response = await fetch(keySet(), { headers: { origin: "https://anywhere.example" } });
    expect(response.headers.get("content-type")).toContain("application/jwk-set+json");
    expect(response.headers.get("cache-control")).toBe("public, max-age=300");
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
    const { accessToken } = await anLogIn();
    expect(await response.json()).toEqual({
      keys: [{ kty: "OKP", crv: "Ed25519", alg: "EdDSA", use: "sig", kid: kidOf(accessToken), x: expect.any(String) }],
    });
  });

  it("goes through a change of keys without a log-in", async () => {
    const [oldKey, key] = [app.config.JWT_PRIVATE_KEY, newKey()];
    const rotated = await startTestApp({
      beside: { config: { ...app.config, JWT_PRIVATE_KEY: key, JWT_PREVIOUS_KEYS: [oldKey] } },
    });
    const forgotten = await startTestApp({ beside: { config: { ...app.config, JWT_PRIVATE_KEY: key } } });
    try {
      const before = await anLogIn();
      expect(await isBelieved(before.accessToken, rotated)).toBe(true);
      expect(await isBelieved(before.accessToken, forgotten)).toBe(false);
      const after = (await rotated.ask(REFRESH, { token: before.refreshToken })).data.refreshSession;
      expect(kidOf(after.accessToken)).not.toBe(kidOf(before.accessToken));
      expect(await isBelieved(after.accessToken, rotated)).toBe(true);
      expect(await isBelieved(after.accessToken, forgotten)).toBe(true);
      expect(await isBelieved(after.accessToken)).toBe(false);
      const { keys } = (await (await fetch(keySet(rotated))).json()) as { keys: { kid: string }[] };
      expect(keys.map(({ kid }) => kid)).toEqual([kidOf(after.accessToken), kidOf(before.accessToken)]);
      for (const { accessToken } of [before, after])
        await jwtVerify(accessToken, createRemoteJWKSet(keySet(rotated)), { issuer: "lectern" });
    } finally {
      await rotated.close();
      await forgotten.close();
    }
  });
});
