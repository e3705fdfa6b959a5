import { describe, expect, it } from "@jest/globals";
import { redactPayload, redactText } from "../../src/queues/redactPayload.ts";

const id = "0197a000-0000-7000-8000-000000000000";

describe("a payload as operators see it", () => {
  it("keeps ids, numbers and declared words", () => {
    const mail = { template: "secondFactorChanged", userId: id, change: "RESET" };
    expect(redactPayload("email", "sendTemplate", mail)).toEqual(mail);
    const step = { videoId: id, run: 3, height: 720 };
    expect(redactPayload("transcode", "transcodeRendition", step)).toEqual(step);
  });

  it("hides what people wrote and keeps its place", () => {
    expect(
      redactPayload("email", "sendEmail", { to: "ada@school.example", subject: "Exam", text: "Come at nine." }),
    ).toEqual({ to: "[redacted]", subject: "[redacted]", text: "[redacted]" });
    expect(redactPayload("email", "sendTemplate", { template: "registration", email: "ada@school.example" })).toEqual({
      template: "registration",
      email: "[redacted]",
    });
  });

  it("hides every text of a job it does not know", () => {
    const unknown = { of: ["RESET", { deep: "secret", count: 2, isSet: true, none: null }], id };
    expect(redactPayload("email", "ofTomorrow", unknown)).toEqual({
      of: ["[redacted]", { deep: "[redacted]", count: 2, isSet: true, none: null }],
      id,
    });
    expect(redactPayload("of-tomorrow", "toString", "RESET")).toBe("[redacted]");
  });
});

describe("an error as operators see it", () => {
  it.each([
    ["550 <ada.lovelace@school.example>: unknown", "550 <[redacted]>: unknown"],
    ["to=ada+exam@school.example, refused", "to=[redacted], refused"],
    ["Bearer eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "Bearer [redacted]"],
    [`There is no attempt ${id}.`, `There is no attempt ${id}.`],
    ["connect ECONNREFUSED 127.0.0.1:5432", "connect ECONNREFUSED 127.0.0.1:5432"],
    ["at run (/app/node_modules/bullmq/dist/worker.js:12:3)", "at run (/app/node_modules/bullmq/dist/worker.js:12:3)"],
  ])("shows %s as %s", (text, shown) => {
    expect(redactText(text)).toBe(shown);
  });
});
