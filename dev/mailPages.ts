import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { Eta } from "eta";
import PostalMime, { type Email } from "postal-mime";

interface Answer {
  status: number;
  headers: Record<string, string>;
  body: string | Buffer;
}

const SHOWN = 200;
const ADDRESS = /^\/mails\/(\d+-[\da-f]+)(?:\/(html|source))?$/;
const notFound: Answer = { status: 404, headers: { "content-type": "text/plain" }, body: "There is no such page." };

const eta = new Eta();
const page = eta.compile(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<% if (it.refresh) { %><meta http-equiv="refresh" content="3"><% } %>
<title><%= it.title %></title>
<style>
  body { margin: 2rem; font: 15px/1.5 system-ui, sans-serif; }
  td, th { padding: 0.2rem 1rem 0.2rem 0; text-align: left; vertical-align: top; }
  iframe { width: 100%; height: 32rem; border: 1px solid #bbb; }
  pre { white-space: pre-wrap; overflow-wrap: anywhere; background: #f4f4f4; padding: 1rem; }
</style>
<%~ it.content %>
</html>
`);
const list = eta.compile(`<h1>Caught mails</h1>
<% if (it.mails.length === 0) { %><p>None yet. What Lectern sends comes here and goes nowhere else.</p><% } %>
<table>
<% for (const { id, mail } of it.mails) { %>
<tr><td><%= mail.date ?? "" %></td><td><%= it.addresses(mail.to) %></td><td><a href="/mails/<%= id %>"><%= mail.subject || "(no subject)" %></a></td></tr>
<% } %>
</table>
`);
const single = eta.compile(`<p><a href="/">All mails</a> · <a href="/mails/<%= it.id %>/source">Source</a></p>
<h1><%= it.mail.subject %></h1>
<table>
<% for (const { originalKey, value } of it.mail.headers) { %><tr><th><%= originalKey %></th><td><%= value %></td></tr>
<% } %>
</table>
<% if (it.mail.html) { %><h2>HTML</h2>
<iframe sandbox="allow-popups allow-popups-to-escape-sandbox" src="/mails/<%= it.id %>/html" title="The mail as HTML"></iframe><% } %>
<h2>Text</h2>
<pre><%= it.mail.text ?? "" %></pre>
`);

/** The pages on which caught mails are looked at: a list, a mail, its HTML by itself, and its source. */
export async function answerFor(folder: string, url: string): Promise<Answer> {
  const { pathname } = new URL(url, "http://localhost");
  if (pathname === "/") return listPage(folder);
  const [, id, part] = ADDRESS.exec(pathname) ?? [];
  const source = id ? await readMail(folder, id) : null;
  if (!id || !source) return notFound;
  if (part === "source") return { status: 200, headers: { "content-type": "text/plain; charset=utf-8" }, body: source };
  const mail = await PostalMime.parse(source);
  return part === "html" ? htmlAlone(mail) : ownPage(mail.subject ?? "", eta.render(single, { id, mail }));
}

async function listPage(folder: string): Promise<Answer> {
  const ids = (await readdir(folder)).filter((file) => file.endsWith(".eml")).map((file) => file.slice(0, -4));
  const newest = ids.sort().reverse().slice(0, SHOWN);
  const mails = await Promise.all(
    newest.map(async (id) => ({ id, mail: await PostalMime.parse((await readMail(folder, id)) ?? "") })),
  );
  return ownPage("Caught mails", eta.render(list, { mails, addresses }), true);
}

const addresses = (to: Email["to"]): string => (to ?? []).map(({ address }) => address).join(", ");

async function readMail(folder: string, id: string): Promise<Buffer | null> {
  try {
    return await readFile(path.join(folder, `${id}.eml`));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

const ownPage = (title: string, content: string, refresh = false): Answer => ({
  status: 200,
  headers: {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'",
  },
  body: eta.render(page, { title, content, refresh }),
});

/** What a mail brings along runs nothing and loads nothing; its links open in a page of their own. */
const htmlAlone = ({ html = "" }: Email): Answer => ({
  status: 200,
  headers: {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy":
      "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:",
  },
  body: `<base target="_blank">${html}`,
});
