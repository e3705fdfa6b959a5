import { Eta } from "eta";
import { compile } from "html-to-text";

const toText = compile({
  wordwrap: 78,
  selectors: [
    { selector: "a", options: { hideLinkHrefIfSameAsText: true, linkBrackets: false } },
    { selector: "img", format: "skip" },
    ...["h1", "h2", "h3", "h4", "h5", "h6"].map((selector) => ({ selector, options: { uppercase: false } })),
    { selector: "table", format: "dataTable", options: { uppercaseHeaderCells: false } },
  ],
});

/** What an HTML mail says, for those who read text. */
export const textOf = (html: string): string => toText(html);

const page = new Eta();
const asWritten = page.compile(
  '<!doctype html><html><body style="white-space: pre-wrap; font-family: sans-serif"><%= it.text %></body></html>',
);

/** A text as HTML that looks just so. */
export const htmlOf = (text: string): string => page.render(asWritten, { text });
