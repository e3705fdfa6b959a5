import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import os from "node:os";
import path from "node:path";
import type { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import PostalMime, { type Email } from "postal-mime";
import { SMTPServer } from "smtp-server";

export interface ReceivedMail extends Email {
  raw: string;
  /** From the envelope, not from the headers. */
  recipients: string[];
  isEncrypted: boolean;
  user: string | null;
}

export interface MailServer {
  port: number;
  url: string;
  /** The mails it took on, in that order. */
  mails: ReceivedMail[];
  /** Every RCPT it heard, and when, in milliseconds of `performance.now()`. */
  tries: { to: string; at: number }[];
  /** How often somebody connected. */
  connections: number;
  /** How often somebody showed a user name and password. */
  logins: number;
  close(): Promise<void>;
}

/** What the server says to a command; nothing means yes. */
export type Answer = { code: number; text: string } | undefined;

export interface MailServerOptions {
  port?: number;
  /** With a certificate it offers STARTTLS; with `fromTheStart` it speaks nothing else. */
  tls?: { key: string; cert: string; fromTheStart?: boolean };
  /** Takes mails only from this user, also in clear text where it has no certificate. */
  login?: { user: string; password: string };
  onRecipient?: (to: string) => Answer;
  /** Called when the whole mail is there, before it is accepted. */
  onMail?: (mail: ReceivedMail) => Promise<Answer> | Answer;
}

/** A mail server on loopback that behaves as a test wants it to. */
export async function startMailServer({
  port = 0,
  tls,
  login,
  onRecipient,
  onMail,
}: MailServerOptions = {}): Promise<MailServer> {
  const told = (answer: Answer) =>
    answer ? Object.assign(new Error(answer.text), { responseCode: answer.code }) : undefined;
  const running = {
    mails: [] as ReceivedMail[],
    tries: [] as MailServer["tries"],
    connections: 0,
    logins: 0,
  };

  async function take(stream: Readable, session: { secure: boolean; user?: string; recipients: string[] }) {
    const raw = (await buffer(stream)).toString("latin1");
    const parsed = await PostalMime.parse(Buffer.from(raw, "latin1"));
    const { recipients, secure: isEncrypted, user = null } = session;
    const mail = { ...parsed, raw, recipients, isEncrypted, user };
    const answer = await onMail?.(mail);
    if (!answer) running.mails.push(mail);
    return answer;
  }

  const server = new SMTPServer({
    ...(tls && { key: tls.key, cert: tls.cert, secure: tls.fromTheStart }),
    authOptional: !login,
    allowInsecureAuth: true,
    disabledCommands: [...(tls ? [] : ["STARTTLS"]), ...(login ? [] : ["AUTH"])],
    disableReverseLookup: true,
    closeTimeout: 100,
    onConnect(_session, done) {
      running.connections += 1;
      done();
    },
    onAuth({ username, password }, _session, done) {
      running.logins += 1;
      if (username === login?.user && password === login?.password) done(null, { user: username });
      else done(Object.assign(new Error("Authentication credentials invalid"), { responseCode: 535 }));
    },
    onRcptTo({ address }, _session, done) {
      running.tries.push({ to: address, at: performance.now() });
      done(told(onRecipient?.(address)));
    },
    onData(stream, { secure, user, envelope }, done) {
      const recipients = envelope.rcptTo.map(({ address }) => address);
      take(stream, { secure, user, recipients }).then((answer) => done(told(answer)), done);
    },
  });
  server.on("error", () => {}); // a client that does not trust us hangs up in the middle of the handshake
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const taken = (server.server.address() as AddressInfo).port;
  return Object.assign(running, {
    port: taken,
    url: `${tls?.fromTheStart ? "smtps" : "smtp"}://127.0.0.1:${taken}`,
    close: () => new Promise<void>((resolve) => server.close(() => resolve())),
  });
}

/** A certificate for the loopback address that nobody has signed but itself, in a file of its own. */
export function aCertificate(): { key: string; cert: string; certFile: string; remove(): void } {
  const folder = mkdtempSync(path.join(os.tmpdir(), "lectern-certificate-"));
  const [keyFile, certFile] = [path.join(folder, "key.pem"), path.join(folder, "cert.pem")];
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  execFileSync(
    "openssl",
    ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", keyFile, "-out", certFile, ...subject],
    { stdio: "ignore" },
  );
  return {
    key: readFileSync(keyFile, "utf8"),
    cert: readFileSync(certFile, "utf8"),
    certFile,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
