import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import getPort from "get-port";
import { type MailCatcher, startMailCatcher } from "../../dev/mailCatcher.ts";
import { createSmtp } from "../../src/services/smtp.ts";

let folder: string;
let catcher: MailCatcher;
beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), "lectern-mails-"));
  catcher = await aCatcher();
});
afterAll(async () => {
  await catcher.stop();
  rmSync(folder, { recursive: true, force: true });
});

const aCatcher = async () =>
  startMailCatcher({ folder: path.join(folder, "mails"), smtpPort: await getPort(), webPort: await getPort() });
const look = async (page: string) => {
  const response = await fetch(new URL(page, catcher.webUrl));
  return { status: response.status, headers: response.headers, text: await response.text() };
};

async function send(subject: string, html: string): Promise<void> {
  const smtp = createSmtp({ url: catcher.smtpUrl, from: "Lectern <lectern@school.example>", perSecond: 10 });
  const mail = { to: "ada@school.example", subject, html, text: "In text: <b>", messageId: "<1@school.example>" };
  await smtp.send({ ...mail, isAutomatic: true }, new AbortController().signal);
  smtp.close();
}

describe("the mail catcher", () => {
  it("shows what it caught, the newest first", async () => {
    expect((await look("/")).text).toContain("None yet");
    await send("First <script>", "<p>One</p>");
    await send("Second", "<p>Two</p>");
    const { text } = await look("/");
    expect(text.indexOf("Second")).toBeLessThan(text.indexOf("First &lt;script&gt;"));
    expect(text).toContain("ada@school.example");
    expect(text).not.toContain("<script>");
  });

  it("shows a mail with its headers, its text, and its HTML where it can do nothing", async () => {
    await send("Danger", '<p>Three</p><script>alert(1)</script><img src="https://tracker.example/x">');
    const [, mail] = /href="(\/mails\/[^"]+)">Danger/.exec((await look("/")).text)!;
    const { text } = await look(mail!);
    expect(text).toContain("In text: &lt;b&gt;");
    expect(text).toMatch(/Message-ID<\/th><td>&lt;1@school\.example&gt;/i);
    expect(text).toContain(`<iframe sandbox="allow-popups allow-popups-to-escape-sandbox" src="${mail}/html"`);
    expect(text).not.toContain("alert");
    const alone = await look(`${mail}/html`);
    expect(alone.text).toContain("<p>Three</p>");
    expect(alone.headers.get("content-security-policy")).toMatch(/^sandbox allow-popups[^;]*; default-src 'none'/);
    expect((await look(`${mail}/source`)).text).toMatch(/^Subject: Danger\r?$/m);
  });

  it("still has it after a restart", async () => {
    await catcher.stop();
    catcher = await aCatcher();
    expect((await look("/")).text).toContain("Danger");
  });

  it("has no other pages", async () => {
    for (const page of ["/x", "/mails/1-ab", "/mails/..%2f..%2fsecrets-key", "/mails/1-ab/other"])
      expect((await look(page)).status).toBe(404);
  });
});
