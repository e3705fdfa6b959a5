import sanitizeHtml from "sanitize-html";
import { ADDRESSES, ALLOWED_ATTRIBUTES, ALLOWED_TAGS, isSafeAddress, isSafeClass } from "./allowedHtml.ts";
import { withSignsEscaped } from "./formulas.ts";
import { hasFormula, leadsOut, type Part, withoutDangerousLatex } from "./latex.ts";
import type { Removals } from "./removals.ts";

const MAX_DEPTH = 100;
const MAX_ROUNDS = 4;
const allowedTags = new Set(ALLOWED_TAGS);
/** What is in them is no text for a reader. */
const GONE_WITH_CONTENT = [
  ...[
    "script",
    "style",
    "textarea",
    "option",
    "noscript",
    "title",
    "iframe",
    "noembed",
    "noframes",
    "xmp",
    "plaintext",
  ],
  ...["template", "svg", "annotation-xml"],
];

/** One tag without a less-than sign in it, as every program reads it. */
const PLAIN_TAG = /<\/?[a-z][a-z0-9]*(?:\s+[a-z][a-z:-]*(?:\s*=\s*(?:"[^"<>]*"|'[^'<>]*'|[^\s"'=<>`]+))?)*\s*\/?>/gi;
const END = "lectern-end";

/** Attributes that a tag may keep; the others are named in `removed`. */
function keptAttributes(tag: string, attributes: Record<string, string>, removed: Removals): Record<string, string> {
  const allowed = ALLOWED_ATTRIBUTES[tag];
  if (!allowed) return {};
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(attributes)) {
    if (!allowed.includes(name) || (name === "class" && !isSafeClass(value)))
      removed.add(`the attribute ${name.slice(0, 40)} of <${tag}>`);
    else if (ADDRESSES.has(name) && !isSafeAddress(value, name === "src" ? "image" : "link"))
      removed.add(`the address ${value.trim().slice(0, 60)} of <${tag}>`);
    else kept[name] = value;
  }
  return kept;
}

/** Through sanitize-html, which holds to the same lists by itself: what `keptAttributes` lets through it looks at once more. */
function cleaned(html: string, removed: Removals, tags: readonly string[] = ALLOWED_TAGS): string {
  let [depth, hasEnded] = [0, false];
  const result = sanitizeHtml(`${html}<${END}></${END}>`, {
    allowedTags: [...tags],
    allowedAttributes:
      tags === ALLOWED_TAGS
        ? ALLOWED_ATTRIBUTES
        : Object.fromEntries(tags.map((tag) => [tag, ALLOWED_ATTRIBUTES[tag]!])),
    allowedSchemes: ["http", "https", "mailto"],
    allowedSchemesByTag: { img: ["http", "https", "data"] },
    allowedSchemesAppliedToAttributes: [...ADDRESSES],
    selfClosing: ["img", "br", "hr", "wbr", "col"],
    nonTextTags: GONE_WITH_CONTENT,
    nestingLimit: MAX_DEPTH,
    onOpenTag: () => {
      depth += 1;
      if (depth > MAX_DEPTH) removed.add(`tags nested more than ${MAX_DEPTH} deep`);
    },
    onCloseTag: () => {
      depth -= 1;
    },
    transformTags: {
      "*": (tagName, attributes) => {
        if (tagName === END) hasEnded = true;
        else if (!allowedTags.has(tagName)) removed.add(`<${tagName.slice(0, 40)}>`);
        return { tagName, attribs: keptAttributes(tagName, attributes, removed) };
      },
    },
  });
  if (!hasEnded) removed.add("the end of the text, which stands in an unfinished tag");
  return result;
}

/**
 * HTML without what could run, track or cover the page it is shown in. What is harmless and plainly written stays byte for byte; else
 * the whole text is written anew, with all tags closed.
 */
export function sanitiseHtml(html: string, removed: Removals, rounds = MAX_ROUNDS): string {
  // A reference can stand for a backslash.
  if (!/[<\\&]/.test(html)) return html;
  const text = withSignsEscaped(html);
  const before = removed.count;
  const clean = cleaned(text, removed);
  const parts = partsOfHtml(clean);
  const safe = hasFormula(parts) ? withoutDangerousLatex(parts, removed).join("") : clean;
  if (/<[!?]/.test(text)) removed.add("comments and declarations");
  // Where tags are not closed in order, browsers may take for a formula what is code here; in `clean` they are.
  const isSure = text === clean || !parts.some((part) => !part.isRead && leadsOut(part.text));
  const isHarmless = isSure && removed.count === before && !text.replace(PLAIN_TAG, "").includes("<");
  if (isHarmless) return text;
  // Tags that went can have kept others from ending one another.
  return isSure || rounds === 0 ? safe : sanitiseHtml(safe, removed, rounds - 1);
}

/** One tag, opening or closing, as it may stand in a text whose other tags are elsewhere; "" if it may not. */
export function sanitiseTag(tag: string, removed: Removals): string {
  const [, slash, given = ""] = /^<(\/?)([a-z][a-z0-9-]*)/i.exec(tag)!;
  const name = given.toLowerCase();
  if (!allowedTags.has(name)) {
    removed.add(`<${name.slice(0, 40)}>`);
    return "";
  }
  if (slash) return `</${given}>`;
  if (tag === `<${given}>`) return tag;
  const before = removed.count;
  const clean = cleaned(tag, removed, [name]).replace(/<\/[a-z0-9]+>$/, "");
  return removed.count === before && tag.replace(PLAIN_TAG, "") === "" ? tag : clean;
}

/** What may stand in code, in order; other tags can end it for a browser, as those of tables do. */
const WITHIN_CODE = /^<(\/?)(code|pre|span|br|wbr|b|i|em|strong|u|s|sub|sup|small|mark|var|kbd|samp)[\s/>]/i;

/** The tags of HTML and what is between them. Formulas are typeset in text only, and not in code. No value in it has a `>`. */
export function partsOfHtml(html: string): Part[] {
  const parts: Part[] = [];
  let code: Part[] = [];
  let open: string[] = [];
  for (const [text] of html.matchAll(/<[^>]*>?|[^<]+/g)) {
    const part = { text, isRead: !text.startsWith("<") };
    parts.push(part);
    if (part.isRead) {
      if (open.length > 0) code.push(part);
      continue;
    }
    const [, slash, given = ""] = WITHIN_CODE.exec(text) ?? [];
    const name = given.toLowerCase();
    if (/^w?br$/.test(name)) continue;
    if (!slash && name && (open.length > 0 || name === "code" || name === "pre")) open.push(name);
    else if (open.length > 0 && (!slash || open.pop() !== name)) [open, code] = [[], []];
    else if (open.length === 0) {
      for (const inner of code) inner.isRead = false;
      code = [];
    }
  }
  return parts;
}

/** Text between tags, with no more references than it needs. */
export const withoutReferences = (text: string): string =>
  text.includes("&") ? sanitizeHtml(text, { allowedTags: [] }) : text;
