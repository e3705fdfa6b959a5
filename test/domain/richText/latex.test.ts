import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { Parser } from "htmlparser2";
import { micromark } from "micromark";
import { sanitise, type TextFormat } from "../../../src/domain/richText/sanitise.ts";

const RICH = ["HTML", "MOODLE", "MARKDOWN"] as const;
const LEADING_OUT =
  /\\(?:href|url|includegraphics|html(?:Class|Data|Id|Style)|cssId|class|style|bbox|data|mmlToken|require|input|csname)(?![A-Za-z])/g;

/** Text of the page a client makes, as typesetters see it: outside of code, with references decoded. Tags are `between`. */
function read(text: string, format: TextFormat, between: string): string {
  const html =
    format === "MARKDOWN" ? micromark(text, { allowDangerousHtml: true, allowDangerousProtocol: true }) : text;
  let [result, inCode] = ["", 0];
  const isCode = (name: string) => name === "code" || name === "pre";
  const parser = new Parser({
    onopentag(name) {
      if (isCode(name)) inCode += 1;
      result += between;
    },
    onclosetag(name) {
      if (isCode(name)) inCode -= 1;
      result += between;
    },
    ontext(data) {
      if (inCode === 0) result += data;
    },
  });
  parser.end(html);
  return result;
}

/** Commands in what is read, whether or not a typesetter reads on across tags. */
const commandsIn = (text: string, format: TextFormat) =>
  ["", "\n"].flatMap((between) => read(text, format, between).match(LEADING_OUT) ?? []);

const BAD = "{javascript:alert(1)}{x}";

const hostile: Record<string, string> = {
  "a backslash written as a reference": `$&#92;href${BAD}$`,
  "a backslash written by its name": `$&bsol;href${BAD}$`,
  "all signs of it written as references": `&#36;&#x5c;&#104;ref${BAD}&#36;`,
  "the formula's sign written as a reference": `&dollar;\\href${BAD}&dollar;`,
  "signs of the formula behind other tags": `$$<br>\\href${BAD}<br>$$`,
  "a begin behind other tags": `\\begin{align}<br>\\href${BAD}<br>\\end{align}`,
  "a command split by a tag": `$\\hr<wbr>ef${BAD}$`,
  "a command split by several tags": `$\\<b></b>h<wbr>re<wbr>f${BAD}$`,
  "a command split by a comment": `$\\hr<!-- -->ef${BAD}$`,
  "a command that ends at a tag": `$\\href<br>x${BAD}$`,
  "HTML of several lines": `<div>\n$\\href${BAD}$\n</div>`,
  "HTML of several lines, with references": `<div>\n$&#92;href${BAD}$\n</div>`,
  "HTML of several lines, with a split command": `<div>\n$\\hr<wbr>ef${BAD}$\n</div>`,
  "a token of MathML": `$\\mmlToken{mi}[href="javascript:alert(1)"]{x}$`,
  "data of an element": "$\\data{a=b}{x}$",
  "code that a table ends": `<table><tr><td><code><td>$\\href${BAD}$</td></tr></table>`,
};

describe("commands that lead out of a formula", () => {
  it.each(RICH.flatMap((format) => Object.entries(hostile).map(([what, text]) => [format, what, text] as const)))(
    "are taken out, in %s: %s",
    (format, _what, text) => {
      const clean = sanitise(text, format);
      expect(commandsIn(clean.text, format)).toEqual([]);
      expect(sanitise(clean.text, format)).toEqual({ text: clean.text, removed: [] });
    },
  );

  it("are taken out where a browser ends the code around them", () => {
    const { text } = sanitise(`<h1><pre></h2>$\\href${BAD}$`, "HTML");
    expect(text).toBe(`<h1><pre>$\\href${BAD}$</pre></h1>`);
  });

  it.each([
    "Tom &amp; Jerry&nbsp;&copy; 1940",
    "<pre><code>\\input{<b>x</b>}</code></pre>\n\n$x$",
    "$\\text{href} \\hrefs \\database \\href{https://example.org}{x}$",
    "<div>\n$a &amp; b$\n</div>",
  ])("stay as they are where they are harmless: %s", (text) => {
    for (const format of RICH) expect(sanitise(text, format)).toEqual({ text, removed: [] });
  });

  const letters = (command: string) =>
    fc
      .array(fc.constantFrom("", "", "", "", "<wbr>", "<b>", "</b>", "<br>", "<!-- -->", "&"), {
        minLength: command.length,
        maxLength: command.length,
      })
      .map((before) =>
        [...command].map((sign, at) => (before[at] === "&" ? `&#${sign.charCodeAt(0)};` : before[at] + sign)).join(""),
      );
  const commands = fc
    .constantFrom("\\href", "\\url", "\\htmlData", "\\class", "\\style", "\\data", "\\mmlToken", "\\require", "\\input")
    .chain(letters)
    .map((command) => `${command}${BAD}`);
  const others = fc.constantFrom(
    ..."a| |\n|\n\n|<br>|<p>|</p>|<div>\n|\n</div>|<code>|</code>|<pre>|</pre>|`|$|\\\\|&amp;|x<y|\\|> |- |<td>".split(
      "|",
    ),
  );
  const formula = fc
    .tuple(
      fc.constantFrom(["$", "$"], ["$$", "$$"], ["$$\n", "\n$$"], ["&#36;", "&#36;"], ["\\\\(", "\\\\)"]),
      fc.array(fc.oneof(commands, others), { maxLength: 6 }),
    )
    .map(([[open, close], inner]) => `${open}${inner.join("")}${close}`);
  const texts = fc.array(fc.oneof(formula, commands, others), { maxLength: 6 }).map((parts) => parts.join(""));

  it.each(RICH)("are never left where there is a formula, in %s, and doing it twice changes nothing", (format) => {
    fc.assert(
      fc.property(texts, (given) => {
        const { text } = sanitise(given, format);
        if (/\$|\\[([]/.test(read(text, format, ""))) expect(commandsIn(text, format)).toEqual([]);
        expect(sanitise(text, format)).toEqual({ text, removed: [] });
      }),
      { numRuns: 150 },
    );
  });

  // What takes time by the square of the length does not come to an end within the test's time.
  it.each(RICH)("are found in texts that try to take for ever, in %s", (format) => {
    for (const piece of ["a<wbr>", "\\href{", "<code>\\href", "&#92;hr<wbr>ef"]) {
      const { text } = sanitise(`$\\${piece.repeat(30_000 / piece.length)}`, format);
      expect([piece, commandsIn(text, format)]).toEqual([piece, []]);
    }
  });
});
