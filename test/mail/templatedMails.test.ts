import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import type { OneTimePurpose, User as UserRow } from "../../src/generated/prisma/client.ts";
import type { TemplatedMail } from "../../src/queues/email.queue.ts";
import { createSecrets } from "../../src/services/secrets.ts";
import { createSignedLinks } from "../../src/services/signedLinks.ts";
import { type MailApp, ownerOf, startMailApp } from "../support/mailApp.ts";
import { aSchool } from "../support/school.ts";
import { nothingsId } from "../support/world.ts";

let app: MailApp;
beforeAll(async () => {
  app = await startMailApp();
});
afterAll(() => app.close());
beforeEach(() => {
  app.server.mails.length = 0;
});

async function aPerson(changes: Partial<UserRow> = {}): Promise<UserRow> {
  const id = nothingsId();
  const usual = { email: `${id}@school.example`, name: "Ada", passwordHash: "none", emailVerifiedAt: new Date() };
  return app.container.db.user.create({ data: { id, ...usual, ...changes } });
}

/** The mail that comes of it, or undefined. */
async function mailOf(asked: TemplatedMail, jobId = nothingsId()) {
  app.server.mails.length = 0;
  await app.container.services.mails.sendTemplated(asked, { jobId, signal: new AbortController().signal });
  expect(app.server.mails.length).toBeLessThanOrEqual(1);
  return app.server.mails[0];
}

async function linkIsFor(text: string, path: string, purpose: OneTimePurpose) {
  const [, found, token] = /https:\/\/school\.example(\/[\w-]+)\?token=([\w-]+)/.exec(text)!;
  expect(found).toBe(path);
  return ownerOf(app, token!, purpose);
}

describe("a mail to an address", () => {
  it("lets a new person verify it, without repeating the name that somebody gave", async () => {
    const person = await aPerson({ emailVerifiedAt: null, name: "Call 0900-123 now" });
    for (const template of ["registration", "verification"] as const) {
      const mail = await mailOf({ template, email: person.email });
      expect(mail).toMatchObject({ recipients: [person.email], subject: "Confirm your address" });
      expect(mail!.raw).not.toContain("0900");
      expect(await linkIsFor(mail!.text!, "/verify-email", "VERIFY_EMAIL")).toBe(person.id);
    }
    const reset = await mailOf({ template: "passwordReset", email: person.email });
    expect(reset!.raw).not.toContain("0900");
  });

  it("tells a known person who registers again that there is an account", async () => {
    const person = await aPerson();
    const mail = await mailOf({ template: "registration", email: person.email });
    expect(mail).toMatchObject({ recipients: [person.email], subject: "You have an account already" });
    expect(mail!.text).toContain("Hello Ada");
    expect(mail!.text).not.toContain("token=");
  });

  it("lets the owner set a new password, verified or not, with or without one before", async () => {
    for (const changes of [{}, { emailVerifiedAt: null }, { passwordHash: null }]) {
      const person = await aPerson(changes);
      const mail = await mailOf({ template: "passwordReset", email: person.email });
      expect(await linkIsFor(mail!.text!, "/reset-password", "RESET_PASSWORD")).toBe(person.id);
    }
  });

  it("invites again who was invited and wants to register or verify", async () => {
    const person = await aPerson({ passwordHash: null, emailVerifiedAt: null });
    for (const template of ["registration", "verification"] as const) {
      const mail = await mailOf({ template, email: person.email });
      expect(await linkIsFor(mail!.text!, "/accept-invitation", "INVITE")).toBe(person.id);
    }
  });

  it("goes to nobody where there is no such account, and the job is done all the same", async () => {
    for (const template of ["registration", "verification", "passwordReset"] as const)
      expect(await mailOf({ template, email: "nobody@school.example" })).toBeUndefined();
  });

  it("is not sent to verify an address that is verified", async () => {
    const person = await aPerson();
    expect(await mailOf({ template: "verification", email: person.email })).toBeUndefined();
  });
});

describe("a mail to a person", () => {
  it("invites with the course it is about", async () => {
    const school = await aSchool(app.container);
    const person = await aPerson({ passwordHash: null, emailVerifiedAt: null, name: "Bo" });
    await app.container.db.course.update({ where: { id: school.courseId }, data: { title: "Chemistry & more" } });
    const mail = await mailOf({ template: "invitation", userId: person.id, courseId: school.courseId });
    expect(mail!.subject).toBe("You are invited to Chemistry & more");
    expect(mail!.text).toContain("Hello Bo");
    expect(await linkIsFor(mail!.text!, "/accept-invitation", "INVITE")).toBe(person.id);
    const plain = await mailOf({ template: "invitation", userId: person.id });
    expect(plain!.subject).toBe("You are invited");
  });

  it("does not invite who has come already", async () => {
    const person = await aPerson();
    expect(await mailOf({ template: "invitation", userId: person.id })).toBeUndefined();
  });

  it("is in the person's language", async () => {
    const person = await aPerson({ locale: "de" });
    const mail = await mailOf({ template: "passwordChanged", userId: person.id });
    expect(mail!.subject).toBe("Ihr Passwort wurde geändert");
    const other = await aPerson({ locale: "xx" });
    expect((await mailOf({ template: "passwordChanged", userId: other.id }))!.subject).toBe(
      "Your password was changed",
    );
  });

  it("tells what happened to the account", async () => {
    const person = await aPerson({ deletionDueAt: new Date("2027-01-02T03:04:00Z") });
    const textOf = async (asked: TemplatedMail) => (await mailOf(asked))!.text!;
    expect(await textOf({ template: "refreshTokenReused", userId: person.id })).toContain("We have ended it");
    expect(await textOf({ template: "secondFactorChanged", userId: person.id, change: "RESET" })).toContain(
      "administrator",
    );
    expect(await textOf({ template: "deletionScheduled", userId: person.id })).toContain("January 2, 2027");
  });

  it("does not announce a deletion that was cancelled meanwhile", async () => {
    const person = await aPerson();
    expect(await mailOf({ template: "deletionScheduled", userId: person.id })).toBeUndefined();
  });

  it("says how an import of the person's own ended", async () => {
    const person = await aPerson();
    const stranger = await aPerson();
    const counts = { totalRows: 50_000, accepted: 49_000, updated: 10, unchanged: 20, refused: 970 };
    const { id } = await app.container.db.userImport.create({
      data: { id: nothingsId(), actorId: person.id, jobId: nothingsId(), ...counts },
    });
    const mail = await mailOf({ template: "importFinished", userId: person.id, importId: id });
    expect(mail!.subject).toBe("Your import is finished: 970 rows were refused");
    expect(mail!.text).toContain("new: 49,000");
    expect(await mailOf({ template: "importFinished", userId: stranger.id, importId: id })).toBeUndefined();
  });

  it("brings the link to the person's own data, for as long as that is kept", async () => {
    const person = await aPerson();
    const stranger = await aPerson();
    const inDays = (days: number) => new Date(Date.now() + days * 86_400_000);
    const anExport = async (readyAt: Date | null, expiresAt: Date) => {
      const data = { id: nothingsId(), userId: person.id, jobId: nothingsId(), readyAt, expiresAt };
      return (await app.container.db.dataExport.create({ data })).id;
    };
    const exportId = await anExport(new Date(), inDays(7));
    const mail = await mailOf({ template: "exportReady", userId: person.id, exportId });
    const [link] = /https:\/\/api\.school\.example\S+/.exec(mail!.text!)!;
    const { pathname, searchParams } = new URL(link);
    expect(pathname).toBe(`/downloads/exports/${exportId}`);
    const links = createSignedLinks({
      secrets: createSecrets(app.config.SECRETS_KEY),
      publicUrl: app.config.PUBLIC_URL,
      clock: app.container.clock,
    });
    expect(links.isGood(pathname, Object.fromEntries(searchParams))).toBe(true);

    expect(await mailOf({ template: "exportReady", userId: stranger.id, exportId })).toBeUndefined();
    for (const notNow of [await anExport(null, inDays(7)), await anExport(new Date(), inDays(-1))])
      expect(await mailOf({ template: "exportReady", userId: person.id, exportId: notNow })).toBeUndefined();
  });

  it("is not sent to an account that is disabled, erased or gone", async () => {
    const people = [await aPerson({ disabledAt: new Date() }), await aPerson({ erasedAt: new Date() })];
    for (const { id, email } of [...people, { id: nothingsId(), email: "gone@school.example" }]) {
      expect(await mailOf({ template: "passwordChanged", userId: id })).toBeUndefined();
      for (const template of ["registration", "verification", "passwordReset"] as const)
        expect(await mailOf({ template, email })).toBeUndefined();
    }
  });
});
