import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { createRefreshTokens } from "../../src/services/refreshTokens.ts";
import { createSecrets } from "../../src/services/secrets.ts";
import { hashToken } from "../../src/services/tokens.ts";
import { anAccount, askWith, LOGIN, LOGOUT, logIn, ME, password, REFRESH } from "../support/accounts.ts";
import { eventually } from "../support/eventually.ts";
import { holdRows } from "../support/heldRows.ts";
import { aLinkFor } from "../support/links.ts";
import { statementsOf } from "../support/statements.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";
import { nothingsId } from "../support/world.ts";

let app: TestApp;
let there: TestApp; // a second process of the same installation
beforeAll(async () => {
  app = await startTestApp();
  there = await startTestApp({ beside: app });
});
afterAll(async () => {
  await there.close();
  await app.close();
});

const SESSIONS = "{ sessions { id createdAt usedAt expiresAt userAgent ip current } }";
const REVOKE = "mutation ($id: ID!) { revokeSession(id: $id) }";
const REVOKE_ALL = "mutation ($exceptCurrent: Boolean) { revokeAllSessions(exceptCurrent: $exceptCurrent) }";
const OVER = "SESSION_OVER";

const refresh = async (token: string, at = app): Promise<string> =>
  (await at.ask(REFRESH, { token })).data.refreshSession.refreshToken;
const refusal = (token: string) => app.refusal(REFRESH, { token });
const sessionOf = (token: string) =>
  app.container.db.session.findUniqueOrThrow({ where: { id: token.split(".")[0]! } });
/** As if the last refresh, or the log-in, were so long ago. */
async function letPass(token: string, seconds: number): Promise<void> {
  const { id, usedAt } = await sessionOf(token);
  await app.container.db.session.update({
    where: { id },
    data: { usedAt: new Date(usedAt.getTime() - seconds * 1000) },
  });
}
const mailsTo = async (ownerId: string) =>
  (await app.container.db.outboxJob.findMany({ where: { ownerId, queue: "email" } })).map(({ payload }) => payload);

describe("a log-in", () => {
  it("finds the account whatever the spelling of the address, and makes its owner the viewer", async () => {
    const { email, id } = await anAccount(app);
    const { accessToken, user } = await logIn(app, ` ${email.toUpperCase()} `);
    expect(user).toMatchObject({ id, email });
    expect((await app.ask(ME, {}, accessToken)).data.me).toEqual({ id, email });
    expect((await app.ask(ME)).data.me).toBeNull();
  });

  it("tells the same of a wrong password, an unknown address, an account without a password and a disabled one", async () => {
    const { email } = await anAccount(app);
    const [disabled, invited] = [await anAccount(app), await anAccount(app)];
    await app.container.db.user.update({ where: { id: disabled.id }, data: { disabledAt: new Date() } });
    await app.container.db.user.update({ where: { id: invited.id }, data: { passwordHash: null } });
    const wrong = await app.ask(LOGIN, { email, password: "not this one" });
    for (const other of ["nobody@school.example", "no\u0000body", "", disabled.email, invited.email]) {
      const { data, errors, status } = await app.ask(LOGIN, { email: other, password });
      expect({ data, errors, status }).toEqual({ data: wrong.data, errors: wrong.errors, status: wrong.status });
    }
    expect(wrong.errors).toMatchObject([{ extensions: { code: "UNAUTHENTICATED", reason: "WRONG_CREDENTIALS" } }]);
  });

  it("takes as long to refuse an unknown address as a wrong password", async () => {
    const { email } = await anAccount(app);
    const msFor = async (address: string) => {
      const startedAt = performance.now();
      await app.refusal(LOGIN, { email: address, password: "not this one" });
      return performance.now() - startedAt;
    };
    await msFor(email);
    const known: number[] = [];
    const unknown: number[] = [];
    for (let round = 0; round < 5; round++) {
      known.push(await msFor(email));
      unknown.push(await msFor("nobody@school.example"));
    }
    // A missing hash would make it a tenth; the fastest of each is the least disturbed.
    expect(Math.min(...unknown)).toBeGreaterThan(Math.min(...known) / 3);
  });

  it("takes two statements and is seen in the profile, though that was cached", async () => {
    const { email } = await anAccount(app);
    const PROFILE = "{ me { lastLoginAt } }";
    const first = await logIn(app, email);
    const shown = async () => (await app.ask(PROFILE, {}, first.accessToken)).data.me.lastLoginAt;
    expect(await shown()).toBe(first.user.lastLoginAt);
    const statements = await statementsOf(app, async () => {
      const { user } = await logIn(app, email);
      expect(user.lastLoginAt > first.user.lastLoginAt).toBe(true);
    });
    expect(statements).toHaveLength(2);
    expect(await shown()).not.toBe(first.user.lastLoginAt);
  });

  it.each([
    ["gets another password", "password_hash = 'another'"],
    ["is disabled", "disabled_at = now()"],
  ])("begins nothing when the account %s while the password is looked at", async (_what, change) => {
    const { email, id } = await anAccount(app);
    const held = await holdRows(app.config.DATABASE_URL, `UPDATE users SET ${change} WHERE id = $1`, [id]);
    const answer = app.refusal(LOGIN, { email, password });
    await eventually("the log-in waits for the row", async () => (await held.waiting()) === 1);
    await held.letGo();
    expect(await answer).toBe("WRONG_CREDENTIALS");
    expect(await app.container.db.session.count({ where: { userId: id } })).toBe(0);
  });
});

describe("a session", () => {
  it("goes on with a new token at each refresh", async () => {
    const { email, id } = await anAccount(app);
    let { refreshToken } = await logIn(app, email);
    const seen = new Set([refreshToken]);
    for (let turn = 0; turn < 3; turn++) {
      const { data } = await app.ask(REFRESH, { token: refreshToken });
      expect(data.refreshSession.user.id).toBe(id);
      expect((await app.ask(ME, {}, data.refreshSession.accessToken)).data.me.id).toBe(id);
      refreshToken = data.refreshSession.refreshToken;
      seen.add(refreshToken);
    }
    expect(seen.size).toBe(4);
  });

  it("notes at each refresh when and from where it was used, and lives longer", async () => {
    const { email } = await anAccount(app);
    const { refreshToken } = await logIn(app, email);
    await letPass(refreshToken, 3_600);
    const before = await sessionOf(refreshToken);
    await askWith(app, { "user-agent": "Another browser" }, REFRESH, { token: refreshToken });
    const after = await sessionOf(refreshToken);
    expect(after).toMatchObject({ userAgent: "Another browser", ip: "127.0.0.1", rotation: 1 });
    expect(after.usedAt.getTime() - before.usedAt.getTime()).toBeGreaterThan(3_599_000);
    expect(after.expiresAt > before.expiresAt).toBe(true);
  });

  it("gives two tabs that refresh one after the other the same successor", async () => {
    const { email } = await anAccount(app);
    const { refreshToken } = await logIn(app, email);
    const [one, two] = [await refresh(refreshToken), await refresh(refreshToken, there)];
    expect(two).toBe(one);
    expect((await sessionOf(one)).rotation).toBe(1);
    expect(await refusal(await refresh(one))).toBeUndefined();
  });

  it("rotates once for twenty requests at the same moment to two servers, and tells them all the same", async () => {
    const { email } = await anAccount(app);
    const { refreshToken } = await logIn(app, email);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => (index % 2 ? app : there).ask(REFRESH, { token: refreshToken })),
    );
    const successors = new Set(answers.map(({ data }) => data?.refreshSession.refreshToken));
    expect(successors.size).toBe(1);
    const [successor] = successors;
    expect(successor).not.toBe(refreshToken);
    expect(await sessionOf(refreshToken)).toMatchObject({ rotation: 1, revokedAt: null });
    for (const { data } of answers)
      expect((await app.ask(ME, {}, data.refreshSession.accessToken)).data.me.email).toBe(email);
    expect(await refusal(successor)).toBeUndefined();
  });

  it("is ended when the token before is used again later, for the thief and for the owner, who is told once", async () => {
    const { email, id } = await anAccount(app);
    const first = (await logIn(app, email)).refreshToken;
    const second = await refresh(first);
    await letPass(second, 11);
    expect(await refusal(first)).toBe(OVER);
    expect(await refusal(second)).toBe(OVER);
    expect(await refusal(first)).toBe(OVER);
    expect(await mailsTo(id)).toEqual([{ template: "refreshTokenReused", userId: id }]);
  });

  it("is ended once when thieves come at the same moment", async () => {
    const { email, id } = await anAccount(app);
    const first = (await logIn(app, email)).refreshToken;
    await letPass(await refresh(first), 11);
    const refusals = await Promise.all(
      Array.from({ length: 10 }, (_, index) => (index % 2 ? app : there).refusal(REFRESH, { token: first })),
    );
    expect(new Set(refusals)).toEqual(new Set([OVER]));
    expect(await mailsTo(id)).toHaveLength(1);
  });

  it("is ended at once by a token of two turns ago, however fresh, and leaves the person's other sessions alone", async () => {
    const { email, id } = await anAccount(app);
    const other = (await logIn(app, email)).refreshToken;
    const first = (await logIn(app, email)).refreshToken;
    const third = await refresh(await refresh(first));
    expect(await refusal(first)).toBe(OVER);
    expect(await refusal(third)).toBe(OVER);
    expect(await mailsTo(id)).toHaveLength(1);
    expect(await refusal(other)).toBeUndefined();
  });

  it("is not touched by an invented token, not even by somebody's who has read the database", async () => {
    const { email, id } = await anAccount(app);
    const second = await refresh((await logIn(app, email)).refreshToken);
    await letPass(second, 11);
    const session = await sessionOf(second);
    const forger = createRefreshTokens(createSecrets(randomBytes(32).toString("base64")));
    const invented = [0, 1, 2].flatMap((turn) => [
      forger.tokenOf(session, turn),
      `${session.id}.${turn}.${session.tokenHash}`,
      `${session.id}.${turn}.${session.seed}`,
      `${session.id}.${turn}.${second.split(".")[2]}x`,
    ]);
    for (const token of invented) {
      expect(await refusal(token)).toBe(OVER);
      expect((await app.ask(LOGOUT, { token })).data.logout).toBe(true);
    }
    expect(await sessionOf(second)).toEqual(session);
    expect(await mailsTo(id)).toEqual([]);
    expect(await refusal(second)).toBeUndefined();
  });

  it.each(["", "x", "a.0.b", `${nothingsId()}.0.secret`, `${nothingsId()}.1e9.secret`, "🦊.0.🦊"])(
    "is not made of the invented token %j",
    async (token) => {
      expect(await refusal(token)).toBe(OVER);
      expect((await app.ask(LOGOUT, { token })).data.logout).toBe(true);
    },
  );

  it("goes on when it was begun by a version whose tokens were random", async () => {
    const { email } = await anAccount(app);
    const { id } = await sessionOf((await logIn(app, email)).refreshToken);
    const random = `${id}.4.${randomBytes(32).toString("base64url")}`;
    await app.container.db.session.update({ where: { id }, data: { tokenHash: hashToken(random), rotation: 4 } });
    expect(await refusal(await refresh(random))).toBeUndefined();
  });

  it("is over when the installation gets another SECRETS_KEY", async () => {
    const SECRETS_KEY = randomBytes(32).toString("base64");
    const changed = await startTestApp({ beside: { config: { ...app.config, SECRETS_KEY } } });
    try {
      const { email, id } = await anAccount(app);
      const first = (await logIn(app, email)).refreshToken;
      const second = await refresh(first);
      for (const token of [first, second]) expect(await changed.refusal(REFRESH, { token })).toBe(OVER);
      expect(await mailsTo(id)).toEqual([]);
    } finally {
      await changed.close();
    }
  });

  it("keeps of its tokens only a hash", async () => {
    const { email, id } = await anAccount(app);
    const first = (await logIn(app, email)).refreshToken;
    const second = await refresh(first);
    const [row] = await app.container.db.session.findMany({ where: { userId: id } });
    for (const token of [first, second]) expect(JSON.stringify(row)).not.toContain(token.split(".")[2]);
  });

  it("is over when it has not been used for long", async () => {
    const { email } = await anAccount(app);
    const { refreshToken } = await logIn(app, email);
    const { id } = await sessionOf(refreshToken);
    await app.container.db.session.update({ where: { id }, data: { expiresAt: new Date(Date.now() - 1) } });
    expect(await refusal(refreshToken)).toBe(OVER);
  });
});

describe("a log-out", () => {
  it("ends its session and no other, and may be repeated", async () => {
    const { email } = await anAccount(app);
    const [here, elsewhere] = [await logIn(app, email), await logIn(app, email)];
    for (let time = 0; time < 2; time++)
      expect((await app.ask(LOGOUT, { token: here.refreshToken })).data.logout).toBe(true);
    expect(await refusal(here.refreshToken)).toBe(OVER);
    expect(await refusal(elsewhere.refreshToken)).toBeUndefined();
  });

  it("ends the session with a token that another tab has traded already", async () => {
    const { email, id } = await anAccount(app);
    const first = (await logIn(app, email)).refreshToken;
    const second = await refresh(first);
    await app.ask(LOGOUT, { token: first });
    expect(await refusal(second)).toBe(OVER);
    expect(await mailsTo(id)).toEqual([]);
  });

  it("without a refresh token ends the session that asks", async () => {
    const { email } = await anAccount(app);
    const { accessToken, refreshToken } = await logIn(app, email);
    expect((await app.ask(LOGOUT, {}, accessToken)).data.logout).toBe(true);
    expect(await refusal(refreshToken)).toBe(OVER);
    expect((await app.ask(LOGOUT)).data.logout).toBe(true);
  });
});

describe("the list of sessions", () => {
  it("shows the viewer's own that are alive, the last used first, and which one asks", async () => {
    const { email } = await anAccount(app);
    await logIn(app, (await anAccount(app)).email);
    const over = await logIn(app, email);
    await app.ask(LOGOUT, { token: over.refreshToken });
    const browser = await askWith(app, { "user-agent": "Browser" }, LOGIN, { email, password });
    const { accessToken, refreshToken, refreshTokenExpiresAt } = browser.data.login;
    const phone = await askWith(app, { "user-agent": "Phone" }, LOGIN, { email, password });
    const list = async () => (await app.ask(SESSIONS, {}, accessToken)).data.sessions;
    expect(await list()).toMatchObject([
      { userAgent: "Phone", current: false, id: phone.data.login.refreshToken.split(".")[0] },
      { userAgent: "Browser", ip: "127.0.0.1", current: true, expiresAt: refreshTokenExpiresAt },
    ]);
    await askWith(app, { "user-agent": "Browser" }, REFRESH, { token: refreshToken });
    expect(await list()).toMatchObject([{ userAgent: "Browser", current: true }, { userAgent: "Phone" }]);
  });

  it("lets the viewer end one, again and again, and nobody else", async () => {
    const { email } = await anAccount(app);
    const [here, elsewhere] = [await logIn(app, email), await logIn(app, email)];
    const { id } = await sessionOf(elsewhere.refreshToken);
    const stranger = await logIn(app, (await anAccount(app, { role: "ADMIN" })).email);
    expect(await app.refusal(REVOKE, { id }, stranger.accessToken)).toBe("NOT_FOUND");
    expect(await app.refusal(REVOKE, { id: nothingsId() }, here.accessToken)).toBe("NOT_FOUND");
    expect(await app.refusal(REVOKE, { id: "nonsense" }, here.accessToken)).toBe("NOT_FOUND");
    expect(await refresh(elsewhere.refreshToken)).toBeDefined();
    for (let time = 0; time < 2; time++)
      expect((await app.ask(REVOKE, { id: id.toUpperCase() }, here.accessToken)).data.revokeSession).toBe(true);
    expect(await refusal(elsewhere.refreshToken)).toBe(OVER);
    expect(await refusal(here.refreshToken)).toBeUndefined();
  });

  it("lets the viewer end all, with or without the one that asks", async () => {
    const { email } = await anAccount(app);
    const stranger = await logIn(app, (await anAccount(app)).email);
    const [here, ...elsewhere] = [await logIn(app, email), await logIn(app, email), await logIn(app, email)];
    const end = async (variables: object) =>
      (await app.ask(REVOKE_ALL, { ...variables }, here.accessToken)).data.revokeAllSessions;
    expect(await end({ exceptCurrent: true })).toBe(2);
    for (const { refreshToken } of elsewhere) expect(await refusal(refreshToken)).toBe(OVER);
    const next = await refresh(here.refreshToken);
    expect(await end({})).toBe(1);
    expect(await refusal(next)).toBe(OVER);
    expect(await end({})).toBe(0);
    expect(await refusal(stranger.refreshToken)).toBeUndefined();
  });
});

describe("what an account goes through", () => {
  const CHANGE = `mutation ($from: String!, $to: String!) { changePassword(currentPassword: $from, newPassword: $to) { refreshToken } }`;
  const RESET = "mutation ($token: String!, $to: String!) { resetPassword(token: $token, newPassword: $to) { id } }";
  const DISABLE = "mutation ($id: ID!) { disableUser(id: $id) { id } }";
  const ENABLE = "mutation ($id: ID!) { enableUser(id: $id) { id } }";
  const another = "a new and better password";

  async function loggedInTwice() {
    const person = await anAccount(app);
    return { ...person, here: await logIn(app, person.email), elsewhere: await logIn(app, person.email) };
  }

  it("a new password ends every session, and the one that asks goes on as a new one", async () => {
    const { here, elsewhere } = await loggedInTwice();
    const { data } = await app.ask(CHANGE, { from: password, to: another }, here.accessToken);
    for (const { refreshToken } of [here, elsewhere]) expect(await refusal(refreshToken)).toBe(OVER);
    expect(await refusal(data.changePassword.refreshToken)).toBeUndefined();
  });

  it("a password set by the link of a mail ends every session", async () => {
    const { id, here, elsewhere } = await loggedInTwice();
    const token = await aLinkFor(app.container, id, "RESET_PASSWORD");
    expect((await app.ask(RESET, { token, to: another })).errors).toBeUndefined();
    for (const { refreshToken } of [here, elsewhere]) expect(await refusal(refreshToken)).toBe(OVER);
  });

  it("a disabled account has no sessions, and gets none back when it is enabled", async () => {
    const { id, here, elsewhere } = await loggedInTwice();
    const admin = await logIn(app, (await anAccount(app, { role: "ADMIN" })).email);
    expect((await app.ask(DISABLE, { id }, admin.accessToken)).errors).toBeUndefined();
    expect(await refusal(here.refreshToken)).toBe(OVER);
    expect((await app.ask(ENABLE, { id }, admin.accessToken)).errors).toBeUndefined();
    for (const { refreshToken } of [here, elsewhere]) expect(await refusal(refreshToken)).toBe(OVER);
  });

  it("a disabled or erased account does not refresh, even where its sessions were not ended", async () => {
    const { id, here } = await loggedInTwice();
    await app.container.db.user.update({ where: { id }, data: { disabledAt: new Date(), erasedAt: new Date() } });
    expect(await refusal(here.refreshToken)).toBe(OVER);
  });
});
