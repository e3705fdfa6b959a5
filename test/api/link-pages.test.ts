import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { eventually } from "../support/eventually.ts";
import { type MailApp, startMailApp } from "../support/mailApp.ts";
import { startTestApp } from "../support/testApp.ts";
import { nothingsId } from "../support/world.ts";

let app: MailApp;
beforeAll(async () => {
  app = await startMailApp({ env: { SANDBOX: "true" } });
});
afterAll(() => app.close());

const password = "correct horse battery staple";
const LOGIN =
  "mutation ($email: String!, $password: String!) { login(email: $email, password: $password) { user { email } } }";

async function linkIn(recipient: string, subject: string): Promise<URL> {
  const mail = await eventually("the mail is there", () =>
    app.server.mails.findLast((one) => one.recipients[0] === recipient && one.subject === subject),
  );
  return new URL(/https:\/\/school\.example\S+/.exec(mail.text!)![0]);
}

/** What the page does when its button is pressed. */
async function press(link: URL, typed: Record<string, string> = {}) {
  const page = await (await fetch(`${app.url}${link.pathname}${link.search}`)).text();
  expect(page).not.toContain(link.searchParams.get("token"));
  const operation = JSON.parse(/const operation = (".*");/.exec(page)![1]!);
  expect([...page.matchAll(/name="(\w+)" autocomplete/g)].map(([, name]) => name)).toEqual(Object.keys(typed));
  return app.ask(operation, { token: link.searchParams.get("token"), ...typed });
}

describe("a link in a mail, without a front end", () => {
  it("verifies the address of somebody who registers", async () => {
    const email = "new@school.example";
    const input = { email, password, name: "New" };
    await app.ask("mutation ($input: RegisterInput!) { register(input: $input) { jobId } }", { input });
    const link = await linkIn(email, "Confirm your address");
    expect((await press(link)).data).toEqual({ result: { email } });
    expect(await app.container.db.user.findUnique({ where: { email } })).toMatchObject({
      emailVerifiedAt: expect.any(Date),
    });
    expect((await press(link)).errors).toMatchObject([{ extensions: { reason: "TOKEN_NOT_GOOD" } }]);
  });

  it("sets a new password", async () => {
    const email = "forgetful@school.example";
    await app.container.db.user.create({ data: { id: nothingsId(), email, name: "Forgetful", passwordHash: "none" } });
    await app.ask("mutation ($email: String!) { requestPasswordReset(email: $email) { jobId } }", { email });
    const link = await linkIn(email, "Set a new password");
    expect((await press(link, { password })).data).toEqual({ result: { email } });
    expect((await app.ask(LOGIN, { email, password })).data.login.user).toEqual({ email });
  });

  it("takes an account that staff made into use", async () => {
    const { db, services } = app.container;
    const email = "invited@school.example";
    const { id } = await db.user.create({ data: { id: nothingsId(), email, name: "Invited" } });
    const job = { jobId: nothingsId(), signal: new AbortController().signal };
    await services.mails.sendTemplated({ template: "invitation", userId: id }, job);
    const link = await linkIn(email, "You are invited");
    expect((await press(link, { password })).data).toEqual({ result: { email } });
    expect((await app.ask(LOGIN, { email, password })).data.login.user).toEqual({ email });
  });

  it("keeps its token to itself", async () => {
    const { headers } = await fetch(`${app.url}/reset-password?token=abc`);
    expect(headers.get("referrer-policy")).toBe("no-referrer");
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("content-security-policy")).toContain("default-src 'none'");
  });

  it("is the front end's matter where there is one", async () => {
    const real = await startTestApp();
    const { status } = await fetch(`${real.url}/reset-password?token=abc`);
    await real.close();
    expect(status).toBe(404);
  });
});
