import type { Db } from "../../prisma/client.ts";
import { isLocale, type Locale } from "../domain/locale.ts";
import type { OneTimePurpose, User as UserRow } from "../generated/prisma/client.ts";
import type { MailData, MailName } from "../mails/mailData.ts";
import type { MailTemplates, RenderedMail } from "../mails/mailTemplates.ts";
import type { TemplatedMail } from "../queues/email.queue.ts";
import { newsFor } from "./analysisNews.ts";
import { ONE_TIME_HOURS, type OneTimeTokens } from "./oneTimeTokens.ts";
import type { SignedLinks } from "./signedLinks.ts";

type Template = TemplatedMail["template"];
type Asked<T extends Template> = Extract<TemplatedMail, { template: T }>;

/** A message that is still to be put into somebody's language. */
type Message = (locale: Locale) => RenderedMail;
type Writers = {
  [T in Template]: (person: UserRow, asked: Asked<T>, jobId: string) => Promise<Message | null> | Message | null;
};

export type TemplatedMails = ReturnType<typeof createTemplatedMails>;

/** What our own messages say, and to whom. Worked out when a mail is sent: nobody else needs to know who is there. */
export function createTemplatedMails({
  db,
  templates,
  oneTimeTokens,
  links,
  appUrl: configuredAppUrl,
  clock,
}: {
  db: Db;
  templates: MailTemplates;
  oneTimeTokens: OneTimeTokens;
  links: SignedLinks;
  appUrl: string;
  clock: () => Date;
}) {
  const appUrl = configuredAppUrl.replace(/\/$/, "");

  const say =
    <Name extends MailName>(name: Name, data: MailData[Name]): Message =>
    (locale) =>
      templates.render(name, locale, data);

  const linkFor = async (person: UserRow, purpose: OneTimePurpose, path: string, jobId: string) => ({
    url: `${appUrl}${path}?token=${await oneTimeTokens.issue(person.id, purpose, jobId)}`,
    hours: ONE_TIME_HOURS[purpose],
  });

  const verification = async (person: UserRow, jobId: string) =>
    say("verifyAddress", await linkFor(person, "VERIFY_EMAIL", "/verify-email", jobId));

  const invitation = async (person: UserRow, jobId: string, course: string | null) =>
    say("invitation", {
      name: person.name, // staff wrote it
      course,
      ...(await linkFor(person, "INVITE", "/accept-invitation", jobId)),
    });

  const writers: Writers = {
    registration(person, _asked, jobId) {
      if (person.emailVerifiedAt) return say("accountExists", { name: nameOf(person), appUrl });
      // To verify the address of an account without a password would lead nowhere.
      return person.passwordHash ? verification(person, jobId) : invitation(person, jobId, null);
    },

    verification(person, _asked, jobId) {
      if (person.emailVerifiedAt) return null;
      return person.passwordHash ? verification(person, jobId) : invitation(person, jobId, null);
    },

    async passwordReset(person, _asked, jobId) {
      const link = await linkFor(person, "RESET_PASSWORD", "/reset-password", jobId);
      return say("passwordReset", { name: nameOf(person), ...link });
    },

    async invitation(person, { courseId }, jobId) {
      if (person.passwordHash) return null; // has come already
      const course = courseId ? await db.course.findUnique({ where: { id: courseId } }) : null;
      return invitation(person, jobId, course?.title ?? null);
    },

    passwordChanged: (person) => say("passwordChanged", { name: nameOf(person), appUrl }),

    refreshTokenReused: (person) => say("refreshTokenReused", { name: nameOf(person), appUrl }),

    secondFactorChanged: (person, { change }) => say("secondFactorChanged", { name: nameOf(person), appUrl, change }),

    async importFinished(person, { importId }) {
      const done = await db.userImport.findFirst({
        where: { id: importId, actorId: person.id },
        omit: { csv: true },
        include: { course: { select: { title: true } } },
      });
      if (!done) return null;
      const { totalRows, accepted, updated, unchanged, refused, course } = done;
      const counts = { totalRows, accepted, updated, unchanged, refused };
      return say("importFinished", { name: nameOf(person), course: course?.title ?? null, ...counts });
    },

    async examAnalysed(person, { examId }) {
      const news = await newsFor(db, person, examId);
      return news && say("examAnalysed", { name: nameOf(person), appUrl, ...news });
    },

    async exportReady(person, { exportId }) {
      const ready = await db.dataExport.findFirst({
        where: { id: exportId, userId: person.id, readyAt: { not: null }, expiresAt: { gt: clock() } },
        select: { expiresAt: true },
      });
      if (!ready) return null;
      const url = links.url(`/downloads/exports/${exportId}`, ready.expiresAt);
      return say("exportReady", { name: nameOf(person), url, until: ready.expiresAt });
    },

    deletionScheduled: (person) =>
      person.deletionDueAt && say("deletionScheduled", { name: nameOf(person), appUrl, due: person.deletionDueAt }),
  };

  const write = <T extends Template>(person: UserRow, asked: Asked<T>, jobId: string) =>
    (writers[asked.template as T] as Writers[T])(person, asked, jobId);

  return {
    /** The mail, or null where there is nobody to write to, or nothing to say any more. Each call makes its link anew. */
    async write(asked: TemplatedMail, jobId: string): Promise<(RenderedMail & { to: string }) | null> {
      const where = "email" in asked ? { email: asked.email } : { id: asked.userId };
      const person = await db.user.findUnique({ where });
      if (!person || person.disabledAt || person.erasedAt) return null;
      const message = await write(person, asked, jobId);
      return message && { to: person.email, ...message(isLocale(person.locale) ? person.locale : "en") };
    },
  };
}

/** A stranger may have opened the account with somebody else's address, and put what he wants to say there into the name. */
const nameOf = (person: UserRow): string | null => (person.emailVerifiedAt ? person.name : null);
