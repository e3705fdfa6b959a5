import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { somePeople } from "../support/school.ts";
import { statementsOf } from "../support/statements.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp(); // without a worker, whose statements would be counted too
});
afterAll(() => app.close());

describe("sendEmailQueued", () => {
  it("writes a single row, which is handed over after the answer", async () => {
    const [admin] = await somePeople(app.container, 1, "ADMIN");
    const send = async () => {
      const operation = "mutation ($input: EmailInput!) { sendEmailQueued(input: $input) { queued jobId } }";
      const input = { to: "ada@school.example", subject: "Exam day", text: "Come at nine." };
      const { data } = await app.ask(operation, { input }, admin!.token);
      expect(data.sendEmailQueued).toEqual({ queued: true, jobId: expect.any(String) });
    };
    const [first, ...handOver] = await statementsOf(app, send);
    expect(first).toMatch(/^INSERT INTO outbox_jobs/);
    expect(handOver).toEqual(["BEGIN", expect.stringMatching(/SET published_at/), "COMMIT"]);
  });
});
