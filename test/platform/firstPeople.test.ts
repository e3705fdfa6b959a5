import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { DEMO_LOGINS } from "../../prisma/demoLogins.ts";
import { seedDemoSchool } from "../../prisma/seed.ts";
import { createLogger } from "../../src/utils/logger.ts";
import { startTestApp, type TestApp, testEnvironment } from "../support/testApp.ts";
import { testRedis } from "../support/testDatabase.ts";

let app: TestApp;
beforeEach(async () => {
  app = await startTestApp();
});
afterEach(() => app.close());

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const LOGIN =
  "mutation ($email: String!, $password: String!) { login(email: $email, password: $password) { user { role } } }";

/** `npm run create-admin` as an operator types it. */
function createAdmin(...words: string[]) {
  const { PATH = "", HOME = "" } = process.env;
  const env = { PATH, HOME, ...testEnvironment(app.config.DATABASE_URL, testRedis()) };
  return run(process.execPath, ["--import", "tsx", "prisma/createAdmin.ts", ...words], { cwd: ROOT, env });
}

describe("the first people of a school", () => {
  it("are an administrator with a password shown once, made once", async () => {
    const { stdout } = await createAdmin("Head@school.example", "Ada Head");
    const password = /with the password (\S+)\n/.exec(stdout)![1];
    const { data } = await app.ask(LOGIN, { email: "head@school.example", password });
    expect(data.login.user.role).toBe("ADMIN");
    await expect(createAdmin("head@school.example", "Ada Head")).rejects.toMatchObject({
      code: 1,
      stderr: "This address has an account already.\n",
    });
    expect(await app.container.db.user.findMany({ select: { email: true, emailVerifiedAt: true } })).toEqual([
      { email: "head@school.example", emailVerifiedAt: expect.any(Date) },
    ]);
  });

  it("are a demo school, verified, once, and nobody is written to", async () => {
    const log = createLogger({ level: "silent", pretty: false, program: "test" });
    await seedDemoSchool(app.config, log);
    const everybody = () => app.container.db.user.findMany({ orderBy: { id: "asc" } });
    const made = await everybody();
    expect(made.map(({ email, role }) => ({ email, role }))).toEqual(
      DEMO_LOGINS.map(({ email, role }) => ({ email, role })),
    );
    for (const { emailVerifiedAt } of made) expect(emailVerifiedAt).not.toBeNull();
    expect(await app.container.db.outboxJob.count({ where: { queue: "email" } })).toBe(0);
    await seedDemoSchool(app.config, log);
    expect(await everybody()).toEqual(made);
  });
});
