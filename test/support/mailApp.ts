import type { OneTimePurpose } from "../../src/generated/prisma/enums.ts";
import { hashToken } from "../../src/services/tokens.ts";
import type { Logger } from "../../src/utils/logger.ts";
import { eventually } from "./eventually.ts";
import { type MailServer, type MailServerOptions, startMailServer } from "./mailServer.ts";
import { type Person, somePeople } from "./school.ts";
import { startTestApp, type TestApp } from "./testApp.ts";

export interface MailApp extends TestApp {
  server: MailServer;
  admin: Person;
  /** Asks for a mail as an administrator does, and gives the job's id. */
  send(changes?: Record<string, unknown>): Promise<string>;
  /** The job as the API tells it. */
  statusOf(jobId: string): Promise<{ state: string; progress: number; attempts: number; failedReason: string | null }>;
  /** Waits until the job is in this state and gives its status. */
  untilIs(jobId: string, state: string): ReturnType<MailApp["statusOf"]>;
}

const SEND = "mutation ($input: EmailInput!) { sendEmailQueued(input: $input) { queued jobId } }";
const STATUS = "query ($id: ID!) { getEmailJobStatus(jobId: $id) { id state progress attempts failedReason } }";

/** A server with a worker and a mail server of its own. */
export async function startMailApp({
  mailServer = {},
  env = {},
  smtpUrl = (server) => server.url,
  log,
}: {
  mailServer?: MailServerOptions;
  env?: Record<string, string>;
  /** Where the worker sends mails to; else to the mail server, without a log-in. */
  smtpUrl?: (server: MailServer) => string;
  log?: Logger;
} = {}): Promise<MailApp> {
  const server = await startMailServer(mailServer);
  const app = await startTestApp({
    worker: true,
    log,
    env: { SMTP_URL: smtpUrl(server), MAIL_PER_SECOND: "1000", ...env },
  });
  const [admin] = await somePeople(app.container, 1, "ADMIN");

  async function statusOf(jobId: string) {
    const { data, errors } = await app.ask(STATUS, { id: jobId }, admin!.token);
    if (errors) throw new Error(JSON.stringify(errors));
    return data.getEmailJobStatus;
  }

  return {
    ...app,
    server,
    admin: admin!,
    async send(changes = {}) {
      const input = { to: "ada@school.example", subject: "Exam day", text: "Come at nine.", ...changes };
      const { data, errors } = await app.ask(SEND, { input }, admin!.token);
      if (errors) throw new Error(JSON.stringify(errors));
      return data.sendEmailQueued.jobId;
    },
    statusOf,
    untilIs: (jobId, state) =>
      eventually(
        `the job is ${state}`,
        async () => {
          const status = await statusOf(jobId);
          return status.state === state && status;
        },
        30_000,
      ),
    async close() {
      await app.close();
      await server.close();
    },
  };
}

/** Whose link it is, by its token, as long as it is good. */
export async function ownerOf({ container: { db } }: TestApp, token: string, purpose: OneTimePurpose) {
  const good = { hash: hashToken(token), purpose, usedAt: null, expiresAt: { gt: new Date() } };
  return (await db.oneTimeToken.findFirst({ where: good }))?.userId;
}
