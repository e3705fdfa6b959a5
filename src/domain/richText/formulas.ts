/** Where a formula begins, and what ends it. */
const ENDS: Readonly<Record<string, string>> = { "\\(": "\\)", "\\[": "\\]", $$: "$$", $: "$" };

/** A tag as HTML has it. */
const TAG = /<\/?([a-z][a-z0-9-]*)((?:\s+[a-z_:@][\w:.@-]*\s*=\s*(?:"[^"<>]*"|'[^'<>]*'|[^\s"'=<>`]+))*)\s*\/?>/iy;
/** The sign before what HTML itself takes for text. */
const NO_TAG = /<(?![a-z/!?])/gi;
const ONE_LETTER_TAGS = /^[abipqsu]$/i;

/** The formulas of a text, `$…$` within one line, from left to right. Takes time in proportion to the text. */
function* formulas(text: string): Generator<{ start: number; end: number }> {
  const unclosed = new Set<string>();
  const begin = /\\[\s\S]|\$\$?/g;
  for (let found = begin.exec(text); found; found = begin.exec(text)) {
    const end = ENDS[found[0]];
    if (end === undefined || unclosed.has(end)) continue;
    const from = found.index + found[0].length;
    const at = text.indexOf(end, from);
    if (at === -1) {
      unclosed.add(end);
      continue;
    }
    if (end === "$" && text.slice(from, at).includes("\n")) continue;
    yield { start: from, end: at };
    begin.lastIndex = at + end.length;
  }
}

/**
 * Writes the less-than signs of HTML that begin no tag as references: those before anything but a letter, behind the last tag, and
 * in formulas. `\(a<b\)` would otherwise lose all from the sign on.
 */
export function withSignsEscaped(html: string): string {
  if (!html.includes("<")) return html;
  const parts: string[] = [];
  let from = 0;
  for (const { start, end } of formulas(html)) {
    parts.push(html.slice(from, start), inFormula(html, start, end));
    from = end;
  }
  const text = parts.join("") + html.slice(from);
  const behindTags = text.lastIndexOf(">") + 1;
  return text.slice(0, behindTags).replace(NO_TAG, "&lt;") + text.slice(behindTags).replaceAll("<", "&lt;");
}

function inFormula(html: string, start: number, end: number): string {
  return html.slice(start, end).replace(/</g, (sign, at: number) => {
    TAG.lastIndex = start + at;
    const name = TAG.exec(html)?.[1];
    return name && (name.length > 1 || ONE_LETTER_TAGS.test(name)) ? sign : "&lt;";
  });
}
