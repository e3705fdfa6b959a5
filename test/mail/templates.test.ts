import { readdirSync } from "node:fs";
import { describe, expect, it } from "@jest/globals";
import { LOCALES } from "../../src/domain/locale.ts";
import { htmlOf, textOf } from "../../src/mails/htmlAndText.ts";
import { MAIL_NAMES, type MailData, type MailName } from "../../src/mails/mailData.ts";
import { createMailTemplates } from "../../src/mails/mailTemplates.ts";

const templates = createMailTemplates();
const hostile =
  "Eve <script>alert(1)</script> \"'& <%= it.url %>\r\nBcc: all@school.example\n\u202eevil\u2066\u2028end";
const appUrl = "https://school.example";
const link = { url: 'https://school.example/x?token=abc&"<x>', hours: 72 };

const samples: { [Name in MailName]: MailData[Name] } = {
  verifyAddress: link,
  accountExists: { name: hostile, appUrl },
  passwordReset: { name: hostile, url: link.url, hours: 1 },
  invitation: { name: hostile, ...link, course: hostile },
  passwordChanged: { name: hostile, appUrl },
  refreshTokenReused: { name: hostile, appUrl },
  secondFactorChanged: { name: hostile, appUrl, change: "RESET" },
  importFinished: {
    name: hostile,
    course: hostile,
    totalRows: 50_000,
    accepted: 1_234,
    updated: 3,
    unchanged: 4,
    refused: 5_678,
  },
  examAnalysed: {
    name: hostile,
    appUrl,
    exam: hostile,
    course: hostile,
    attempts: 12_345,
    isFew: false,
    toLookAt: 22,
    questions: [
      { name: hostile, warnings: ["NEGATIVE_DISCRIMINATION", "VERY_HARD"] },
      { name: "What is 2 + 2?", warnings: ["VERY_EASY"] },
    ],
  },
  exportReady: { name: hostile, url: link.url, until: new Date("2026-11-28T08:00:00Z") },
  deletionScheduled: { name: hostile, appUrl, due: new Date("2026-12-05T08:00:00Z") },
};
const render = <Name extends MailName>(name: Name, locale: (typeof LOCALES)[number]) =>
  templates.render(name, locale, samples[name]);

const everyOne = MAIL_NAMES.flatMap((name) => LOCALES.map((locale) => ({ name, locale })));

describe("the templates of the mails", () => {
  it.each(LOCALES)("are there for every message in %s, and no others", (locale) => {
    const files = readdirSync(new URL(`../../src/mails/templates/${locale}/`, import.meta.url));
    expect(files.sort()).toEqual([...MAIL_NAMES, "greeting"].map((name) => `${name}.eta`).sort());
  });

  it.each(everyOne)("let nobody's name become markup: $name in $locale", ({ name, locale }) => {
    const { html } = render(name, locale);
    expect(html).not.toMatch(/<script|<x>|all@school\.example\n|"'&/);
    expect(html).not.toMatch(/[\u202a-\u202e\u2066-\u2069]/);
    // What is left of markup when all that the templates themselves write is taken away.
    const ours = /<!doctype html>|<\/?(html|head|meta|title|body|div|p|a|bdi|ul|li)( [a-z-]+="[^"<>]*")*>/g;
    expect(html.replace(ours, "")).not.toMatch(/[<>]/);
  });

  it.each(everyOne)("have a subject in one line: $name in $locale", ({ name, locale }) => {
    const { subject } = render(name, locale);
    expect(subject).not.toMatch(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u);
    expect(subject.trim()).toBe(subject);
    expect(subject.length).toBeGreaterThan(5);
  });

  it.each(everyOne)("say in text what they say in HTML: $name in $locale", ({ name, locale }) => {
    const { text, html } = render(name, locale);
    expect(text).toMatch(/\S+ \S+/);
    expect(`${text}${html}`).not.toMatch(/undefined|\[object|NaN/);
    expect(html).not.toContain("<%");
    const sample = samples[name];
    const target = "url" in sample ? sample.url : "appUrl" in sample ? sample.appUrl : "5";
    expect(text).toContain(target);
    expect(text).not.toContain("\u202e");
    expect(text).not.toMatch(/^Bcc:/m);
  });

  it("name the language of the page", () => {
    for (const locale of LOCALES) expect(render("verifyAddress", locale).html).toContain(`<html lang="${locale}">`);
    expect(render("verifyAddress", "de").subject).toBe("Bestätigen Sie Ihre Adresse");
    expect(render("verifyAddress", "en").subject).toBe("Confirm your address");
  });

  it("write numbers, times and durations as the language does", () => {
    expect(render("importFinished", "en").text).toContain("refused: 5,678");
    expect(render("importFinished", "de").text).toContain("abgelehnt: 5.678");
    expect(render("exportReady", "en").text).toContain("November 28, 2026");
    expect(render("exportReady", "de").text).toContain("28. November 2026");
    expect(render("verifyAddress", "en").text).toContain("3 days");
    expect(render("passwordReset", "de").text).toContain("1 Stunde");
  });

  it("greet without a name where none may be repeated", () => {
    const { html, text } = templates.render("passwordReset", "en", { name: null, url: appUrl, hours: 1 });
    expect(html).toContain("<p>Hello,</p>");
    expect(text).toMatch(/^Hello,$/m);
  });

  it("tell what became of the second factor", () => {
    const texts = (["ON", "OFF", "RESET"] as const).map(
      (change) => templates.render("secondFactorChanged", "en", { name: "Ada", appUrl, change }).text,
    );
    expect(new Set(texts).size).toBe(3);
  });

  it("name the questions that need a look, and say what is the matter with them", () => {
    const news = { ...samples.examAnalysed, exam: "Midterm", isFew: true, toLookAt: 1 };
    const { subject, text } = render("examAnalysed", "en");
    expect(subject).toContain("22 questions need a look");
    expect(text).toContain("12,345 graded attempts");
    expect(text.replace(/\s+/g, " ")).toMatch(
      /is the key right\?; hardly anybody .* What is 2 \+ 2\?: nearly everybody/,
    );
    expect(text).toContain("and 20 more");
    expect(render("examAnalysed", "de").text).toContain("und 20 weitere");
    expect(text).not.toContain("So few");
    const one = templates.render("examAnalysed", "en", { ...news, questions: news.questions.slice(1) });
    expect(one.subject).toBe("Midterm: one question needs a look");
    expect(one.text).toContain("So few");
    expect(one.text).not.toContain("more.");
    const none = templates.render("examAnalysed", "de", { ...news, toLookAt: 0, questions: [] });
    expect(none.subject).toBe("Midterm: keine Frage fällt auf");
    expect(none.text).not.toContain("Hinweise");
  });

  it("are not asked for without their data, or in a language there is none for", () => {
    // @ts-expect-error the compiler misses the link
    expect(templates.render("verifyAddress", "en", { hours: 1 }).html).toContain("undefined");
    // @ts-expect-error the compiler knows no such language
    expect(() => templates.render("verifyAddress", "fr", link)).toThrow();
  });
});

describe("the part of a mail that its writer left out", () => {
  it("is made from the HTML, without scripts and styles", () => {
    const text = textOf(
      '<style>p { color: red }</style><h1>Exam day</h1><p>Come at <b>nine</b>: <a href="https://school.example/map">map</a></p><script>alert(1)</script>',
    );
    expect(text).toContain("Exam day");
    expect(text).toContain("Come at nine: map https://school.example/map");
    expect(text).not.toMatch(/alert|color/);
  });

  it("is made from the text, escaped and with its lines", () => {
    expect(htmlOf("a < b & c\n  next")).toContain("a &lt; b &amp; c\n  next");
    expect(htmlOf("x")).toContain("white-space: pre-wrap");
  });
});
