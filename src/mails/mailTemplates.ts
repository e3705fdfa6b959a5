import { readFileSync } from "node:fs";
import { Eta } from "eta";
import { LOCALES, type Locale } from "../domain/locale.ts";
import { formatsOf } from "./formats.ts";
import { textOf } from "./htmlAndText.ts";
import { MAIL_NAMES, type MailData, type MailName } from "./mailData.ts";
import { inOneLine } from "./oneLine.ts";

/** A mail but for its addresses. */
export interface RenderedMail {
  subject: string;
  html: string;
  text: string;
}

export type MailTemplates = ReturnType<typeof createMailTemplates>;

const SUBJECT = /^Subject: (.+)\n/;
const read = (file: string) => readFileSync(new URL(`./templates/${file}.eta`, import.meta.url), "utf8");

/**
 * Reads the templates of all messages in all locales, so that one that is missing stops the program when it starts and not
 * the mail when it is wanted. A template begins with its subject in a line; the rest is HTML that goes into the layout.
 */
export function createMailTemplates() {
  const html = new Eta({ autoTrim: false });
  const plain = new Eta({ autoEscape: false, autoTrim: false });
  for (const part of ["layout", "button"]) html.loadTemplate(`@${part}`, read(part));
  for (const locale of LOCALES) {
    html.loadTemplate(`@${locale}/greeting`, read(`${locale}/greeting`));
    for (const name of MAIL_NAMES) {
      const template = read(`${locale}/${name}`);
      const subject = SUBJECT.exec(template);
      if (!subject) throw new Error(`The mail template ${locale}/${name} does not begin with its subject.`);
      plain.loadTemplate(`@${locale}/${name}`, subject[1]!);
      html.loadTemplate(`@${locale}/${name}`, template.slice(subject[0].length));
    }
  }

  return {
    /** The message in a person's language. The text part is made from the HTML, so that both say the same. */
    render<Name extends MailName>(name: Name, locale: Locale, data: MailData[Name]): RenderedMail {
      const known = { ...(cleaned(data) as object), ...formatsOf(locale) };
      const subject = inOneLine(plain.render(`@${locale}/${name}`, known));
      const content = html.render(`@${locale}/${name}`, known);
      return {
        subject,
        html: html.render("@layout", { locale, subject, content }),
        text: textOf(content),
      };
    },
  };
}

/** Texts that people chose are no longer than a line and cannot turn the words around them: see {@link inOneLine}. */
function cleaned(value: unknown): unknown {
  if (typeof value === "string") return inOneLine(value);
  if (Array.isArray(value)) return value.map(cleaned);
  if (typeof value !== "object" || value === null || value instanceof Date) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, cleaned(part)]));
}
