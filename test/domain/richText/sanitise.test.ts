import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { Parser } from "htmlparser2";
import { micromark } from "micromark";
import { ALLOWED_TAGS } from "../../../src/domain/richText/allowedHtml.ts";
import { sanitise, type TextFormat } from "../../../src/domain/richText/sanitise.ts";
import { hostileTexts } from "./hostileTexts.ts";

/** The page a client makes of a text: Markdown with all its HTML and addresses let through. */
const shown = (text: string, format: TextFormat) =>
  format === "MARKDOWN" ? micromark(text, { allowDangerousHtml: true, allowDangerousProtocol: true }) : text;

/** What of a page could do harm, told by a parser and by no rule of the sanitiser. */
function dangersIn(html: string): string[] {
  const dangers: string[] = [];
  const parser = new Parser({
    onopentag(name, attributes) {
      if (!ALLOWED_TAGS.includes(name)) dangers.push(`<${name}>`);
      for (const [key, value] of Object.entries(attributes)) {
        if (/^on|^style$|^srcdoc$|^id$|^formaction$|^action$/.test(key)) dangers.push(`${key} of ${name}`);
        // biome-ignore lint/suspicious/noControlCharactersInRegex: as browsers read an address
        const scheme = /^([^/?#:]*):/.exec(value.replace(/[\x00-\x20]/g, ""))?.[1]?.toLowerCase();
        if (["href", "src", "cite", "xlink:href"].includes(key) && scheme !== undefined && /^[a-z]/.test(scheme))
          if (!["http", "https", "mailto"].includes(scheme) && !/^data:image\/(png|jpeg|gif|webp);base64,/.test(value))
            dangers.push(`${key}=${value}`);
      }
    },
    oncomment: (comment) => dangers.push(`comment ${comment}`),
  });
  parser.write(html);
  parser.end();
  return dangers;
}

const RICH = ["HTML", "MOODLE", "MARKDOWN"] as const;

const harmlessHtml = [
  "<p>Which of these is <strong>right</strong>?</p>",
  "a &lt; b &amp;&amp; c&nbsp;&gt; d",
  "<p class='note' lang=de dir=\"ltr\">Straße<br>und <br/> mehr<hr /></p>",
  '<a href="https://example.org/?a=1&amp;b=2" title="x">x</a> <a href="mailto:a@example.org">mail</a>',
  '<img src="@@PLUGINFILE@@/circuit%201.png" alt="a circuit" width="20"> <img src="images/a.png" alt="">',
  '<img src="data:image/png;base64,iVBORw0KGgo=" alt="dot">',
  "<table><thead><tr><th scope='col' colspan=2>x</th></tr></thead><tbody><tr><td>1</td><td>2</td></tr></tbody></table>",
  "H<sub>2</sub>O, x<sup>2</sup>, <code>if (a &lt; b) { }</code><pre>\\input{x}</pre>",
  "\\(a &lt; b\\), \\[\\frac{1}{2}\\], $$x^2$$ and $x_1$, \\href{https://example.org}{x}",
  '<math xmlns="http://www.w3.org/1998/Math/MathML" display="block"><mfrac><mi mathvariant="bold">a</mi><mn>2</mn></mfrac></math>',
  "Line one\nline two, a > b & c",
];
const harmlessMarkdown = [
  '# A title\n\nSome *emphasis*, `code <script>`, and a [link](https://example.org "t").\n',
  "Inline $a<b$ and $x_{1} < y$, display:\n\n$$\n\\begin{aligned} a &< b \\\\ c &> d \\end{aligned}\n$$\n",
  "\\(a<b\\) and \\\\(a < b\\\\), \\[x\\], costs $5 and $6",
  "```html\n<script>alert(1)</script>\n```\n\n    <img onerror=x>\n",
  "![circuit](@@PLUGINFILE@@/a.png) ![dot](data:image/png;base64,iVBORw0KGgo=) ![b](images/b.png)",
  "| a | b |\n|---|:-:|\n| 1 | $x<y$ |\n\n- [ ] one\n1. two\n\n> quote\n\n---\n",
  'H<sub>2</sub>O and <span class="x">*both*</span>\n\n<details>\n<summary>More</summary>\n\n**hidden**\n\n</details>\n',
  "a < b, a<b, 1<2, <https://example.org>, <a@example.org>, [ref][r] & AT&T &copy;\n\n[r]: https://example.org 'x'\n",
];

describe("sanitising rich text", () => {
  it.each(harmlessHtml)("keeps harmless HTML as it is: %s", (text) => {
    expect(sanitise(text, "HTML")).toEqual({ text, removed: [] });
    expect(sanitise(text, "MOODLE")).toEqual({ text, removed: [] });
  });

  it.each(harmlessMarkdown)("keeps harmless Markdown byte for byte: %j", (text) => {
    expect(sanitise(text, "MARKDOWN")).toEqual({ text, removed: [] });
  });

  it("leaves plain text alone, since nobody renders it", () => {
    const text = "<script>alert(1)</script> \\href{javascript:x}{y} $";
    expect(sanitise(text, "PLAIN")).toEqual({ text, removed: [] });
  });

  it("takes out what could run, and says what", () => {
    const html = '<p onclick="x()">A</p><script>alert(1)</script><a href="javascript:x">b</a><!-- c -->';
    expect(sanitise(html, "HTML")).toEqual({
      text: "<p>A</p><a>b</a>",
      removed: [
        "the attribute onclick of <p>",
        "<script>",
        "the address javascript:x of <a>",
        "comments and declarations",
      ],
    });
    expect(sanitise("See *[this](javascript:x)* <b onclick=x>now</b>.", "MARKDOWN")).toEqual({
      text: "See *this* <b>now</b>.",
      removed: ["the address javascript:x of a link", "the attribute onclick of <b>"],
    });
  });

  it("loses nothing of a formula with a less-than sign that was typed as it is", () => {
    expect(sanitise("<p>If \\(a<b c>d\\) and $x<y$, \\[p<q\\] then</p>", "HTML").text).toBe(
      "<p>If \\(a&lt;b c>d\\) and $x&lt;y$, \\[p&lt;q\\] then</p>",
    );
    expect(sanitise("$x<y>z$", "MARKDOWN")).toEqual({ text: "$x< y>z$", removed: [] });
    expect(sanitise("if a<b then c", "MOODLE").text).toBe("if a&lt;b then c");
    expect(sanitise("\\(<script>alert(1)</script>\\)", "HTML").text).toBe("\\(\\)");
  });

  it.each(RICH)("takes the command out of formulas that lead out of them, in %s", (format) => {
    const { text, removed } = sanitise(
      "$\\href{javascript:alert(1)}{x} \\htmlData{a=b}{y} \\url{https://a.example}$",
      format,
    );
    expect(text).toBe("$\\text{href}{javascript:alert(1)}{x} \\text{htmlData}{a=b}{y} \\url{https://a.example}$");
    expect(removed).toEqual(["\\href in a formula", "\\htmlData in a formula"]);
    expect(sanitise("\\(\\hr&#101;f{javascript:alert(1)}{x}\\)", format).text).not.toMatch(/\\href|\\hr&#101;f/);
  });

  it.each(RICH.flatMap((format) => hostileTexts.map((text) => [format, text] as const)))(
    "leaves nothing that could run, in %s: %s",
    (format, text) => {
      const clean = sanitise(text, format);
      expect(dangersIn(shown(clean.text, format))).toEqual([]);
      expect(sanitise(clean.text, format)).toEqual({ text: clean.text, removed: [] });
    },
  );

  const pieces = fc.oneof(
    fc.constantFrom(...hostileTexts, ...harmlessHtml, ...harmlessMarkdown),
    fc.constantFrom(
      ..."<>\"'`$\\()[]*_!&;/=-\n #|~:{}".split(""),
      "<b",
      "</b>",
      "a",
      " ",
      "\n\n",
      "\\(",
      "\\)",
      "$$",
      "<!--",
    ),
    fc.string({ maxLength: 5 }),
  );

  it.each(RICH)("holds for whatever is put together of these, in %s, and doing it twice changes nothing", (format) => {
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 8 }), (parts) => {
        const { text } = sanitise(parts.join(""), format);
        expect(dangersIn(shown(text, format))).toEqual([]);
        expect(sanitise(text, format)).toEqual({ text, removed: [] });
      }),
      { numRuns: 400 },
    );
  });
});
