import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import path from "node:path";
import type { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { SMTPServer } from "smtp-server";
import { answerFor } from "./mailPages.ts";

export interface MailCatcher {
  /** Where mails are to be sent. */
  smtpUrl: string;
  /** Where they can be looked at. */
  webUrl: string;
  stop(): Promise<void>;
}

/** Takes every mail, whoever it is for, keeps it as an .eml file and passes it on to nobody. On loopback only. */
export async function startMailCatcher({
  folder,
  smtpPort,
  webPort,
}: {
  folder: string;
  smtpPort: number;
  webPort: number;
}): Promise<MailCatcher> {
  mkdirSync(folder, { recursive: true });

  async function keep(mail: Readable): Promise<void> {
    const file = path.join(folder, `${Date.now()}-${randomBytes(4).toString("hex")}.eml`);
    await writeFile(`${file}.part`, await buffer(mail));
    await rename(`${file}.part`, file);
  }

  const smtp = new SMTPServer({
    authOptional: true,
    disabledCommands: ["STARTTLS", "AUTH"],
    disableReverseLookup: true,
    closeTimeout: 100,
    onData(mail, _session, done) {
      keep(mail).then(() => done(), done);
    },
  });
  const web = createServer((request, response) => {
    answerFor(folder, request.url ?? "/").then(
      ({ status, headers, body }) => response.writeHead(status, headers).end(body),
      (error) => response.writeHead(500, { "content-type": "text/plain" }).end(String(error)),
    );
  });
  await new Promise<void>((resolve, reject) => {
    smtp.once("error", reject);
    smtp.listen(smtpPort, "127.0.0.1", resolve);
  });
  smtp.on("error", () => {}); // a worker that is stopped hangs up in the middle of a sentence
  await once(web.listen(webPort, "127.0.0.1"), "listening");

  return {
    smtpUrl: `smtp://127.0.0.1:${smtpPort}`,
    webUrl: `http://localhost:${webPort}/`,
    async stop() {
      web.closeAllConnections();
      await Promise.all([
        new Promise<void>((resolve) => smtp.close(() => resolve())),
        new Promise<void>((resolve) => web.close(() => resolve())),
      ]);
    },
  };
}
