import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { type ProgramName, runProgram } from "../support/processes.ts";
import { testEnvironment } from "../support/testApp.ts";
import { createTestDatabase, type TestDatabase, testRedis } from "../support/testDatabase.ts";

let folder: string;
let database: TestDatabase;
beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), "lectern-start-"));
  database = await createTestDatabase();
});
afterAll(async () => {
  await database.drop();
  rmSync(folder, { recursive: true, force: true });
});

/** Runs a program whose environment is complete but for these changes; an empty text leaves a variable out. */
async function startWith(
  name: ProgramName,
  changes: Record<string, string>,
): Promise<{ ended: string; output: string }> {
  const program = await runProgram(name, folder, { ...testEnvironment(database.url, testRedis()), ...changes });
  const ended = await program.exited;
  return { ended, output: program.output() };
}

const WRONG: [what: string, name: ProgramName, changes: Record<string, string>][] = [
  ["missing", "server", { DATABASE_URL: "", REDIS_URL: "", JWT_PRIVATE_KEY: "" }],
  ["wrong", "server", { DATABASE_URL: "mysql://somewhere/else", JWT_PRIVATE_KEY: "no key", PORT: "four thousand" }],
  ["wrong", "server", { CORS_ORIGINS: "localhost:5173", SECRETS_KEY: "short", SMTP_URL: "mail.school.example" }],
  ["missing or wrong", "worker", { REDIS_URL: "", SAVE_GRACE_SECONDS: "-1" }],
];

describe("a program whose environment is not right", () => {
  it.each(WRONG)("ends and names every variable that is %s (%s)", async (_what, name, changes) => {
    const { ended, output } = await startWith(name, changes);
    expect(ended).toBe("exit code 1");
    for (const [variable, value] of Object.entries(changes))
      expect(output).toMatch(new RegExp(`^  ${variable}: ${value === "" ? "is missing" : "(?!is missing)"}`, "m"));
    expect(output).not.toMatch(/^\s+at /m); // sentences for the operator, no stack trace
  });

  it("ends when its port is taken, and says so", async () => {
    const other = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => other.once("listening", resolve));
    const { port } = other.address() as AddressInfo;
    const { ended, output } = await startWith("server", { PORT: String(port) });
    other.close();
    expect(ended).toBe("exit code 1");
    expect(output).toContain(`port ${port} is taken by another program`);
  });
});
