import { createTransport } from "nodemailer";
import type { RenderedMail } from "../mails/mailTemplates.ts";
import { noTracing, type Tracing } from "../tracing/tracing.ts";
import { addressRefused, toMailError } from "./smtpErrors.ts";

export interface OutgoingMail extends RenderedMail {
  to: string;
  messageId: string;
  /** Said in a header, so that no holiday notice comes back. */
  isAutomatic: boolean;
}

export type Smtp = ReturnType<typeof createSmtp>;

const MAX_CONNECTIONS = 5;

/**
 * The connections to the mail server: opened when they are needed, kept for the next mails, and never more mails in a second
 * than allowed. Encrypted where the server offers it; a user name and password leave this machine encrypted or not at all.
 */
export function createSmtp({
  url,
  from,
  perSecond,
  tracing = noTracing,
}: {
  url: string;
  from: string;
  perSecond: number;
  tracing?: Tracing;
}) {
  const { protocol, hostname, port, username, password } = new URL(url);
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  const transport = createTransport({
    pool: true,
    host,
    port: port ? Number(port) : undefined, // else 465 or 587
    secure: protocol === "smtps:",
    requireTLS: username !== "" && !isLoopback(host),
    ...(username && { auth: { user: decodeURIComponent(username), pass: decodeURIComponent(password) } }),
    // A connection takes its first mail without asking the limit, so there may not be more of them.
    maxConnections: Math.min(MAX_CONNECTIONS, perSecond),
    rateLimit: perSecond,
    rateDelta: 1_000,
    dnsTimeout: 10_000,
    connectionTimeout: 10_000,
    greetingTimeout: 10_000,
    socketTimeout: 30_000,
    disableFileAccess: true,
    disableUrlAccess: true,
  });

  return {
    /** The same for every try of a job, so that a mail that arrives twice can be known by it. */
    messageIdFor: (jobId: string): string => `<${jobId}@${domainOf(from)}>`,

    /**
     * Hands a mail to the mail server; resolves when the server has taken it on.
     * @param signal ends the attempt; what still waits for its turn is then not sent
     * @throws UNPROCESSABLE (MAIL_REFUSED, MAIL_SERVER_REFUSED) where another try would end the same, SERVICE_UNAVAILABLE where it may not
     */
    async send({ isAutomatic, ...mail }: OutgoingMail, signal: AbortSignal): Promise<void> {
      await tracing.span("send mail", { kind: "client", attributes: { "server.address": host } }, async () => {
        const { rejected } = await transport
          .sendMail({
            ...mail,
            from,
            to: { name: "", address: mail.to }, // not parsed: a text could be read as several addresses
            ...(isAutomatic && { headers: { "Auto-Submitted": "auto-generated" } }),
            signal,
          })
          .catch((error) => {
            throw toMailError(error);
          });
        if (rejected.length > 0) throw addressRefused();
      });
    },

    /** Closes the connections; a mail that is under way fails. Safe to repeat. */
    close(): void {
      transport.close({ force: true });
    },
  };
}

const isLoopback = (host: string) => host === "localhost" || host === "::1" || host.startsWith("127.");

const domainOf = (from: string) => from.slice(from.lastIndexOf("@") + 1).replace(/>.*$/, "");
