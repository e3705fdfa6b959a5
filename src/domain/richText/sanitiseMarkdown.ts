import type { Nodes } from "mdast";
import { fromMarkdown } from "mdast-util-from-markdown";
import { mathFromMarkdown } from "mdast-util-math";
import { math } from "micromark-extension-math";
import { isSafeAddress } from "./allowedHtml.ts";
import { hasFormula, type Part, withoutDangerousLatex } from "./latex.ts";
import type { Removals } from "./removals.ts";
import { partsOfHtml, sanitiseTag, withoutReferences } from "./sanitiseHtml.ts";

/** A piece of the text, and what is to stand in its place. */
interface Edit {
  start: number;
  end: number;
  by: string;
}

/** Tags, addresses and commands have these; most texts have none. */
const SUSPICIOUS = /<[a-z/!?]|\]\s*[([:]|\\[a-z]|&[#a-z]/i;
/** In a formula, two signs of comparison around a letter; TeX takes no notice of a blank between. */
const COMPARED = /^<[a-z]>$/i;
const MAX_ROUNDS = 12;
/** Each that does not end costs the parser the rest of the text. */
const MAX_LINKS = 2_000;
const MAX_COMMENTS = 500;
/** Containers within containers; parsing takes time by their depth. */
const TOO_DEEP = /^(?:[ \t]*(?:>|[-+*]|\d{1,9}[.)])){51}/m;

/**
 * Markdown without dangerous HTML, addresses or commands in formulas; all else stays byte for byte. It is read both with and without
 * formulas until neither way finds anything: a client may or may not know `$…$`, and what is taken out can make a tag of its neighbours.
 */
export function sanitiseMarkdown(markdown: string, removed: Removals): string {
  if (!SUSPICIOUS.test(markdown)) return markdown;
  if (TOO_DEEP.test(markdown)) {
    removed.add("marks nested more than 50 deep");
    return withoutMarks(markdown);
  }
  if (count(markdown, "](") > MAX_LINKS || count(markdown, "<!") + count(markdown, "<?") > MAX_COMMENTS) {
    removed.add(`more than ${MAX_LINKS} links or ${MAX_COMMENTS} comments`);
    return withoutMarks(markdown);
  }
  let text = markdown;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const withFormulas = parse(text, true);
    const edits = editsOf(text, withFormulas, null, removed);
    if (edits.length === 0)
      edits.push(...editsOf(text, parse(text, false), placesOfFormulas(text, withFormulas), removed));
    if (edits.length === 0) return text;
    text = edited(text, edits);
  }
  removed.add("marks that hide one another");
  return withoutMarks(text);
}

const count = (text: string, mark: string) => text.split(mark).length - 1;

/** Emphasis changes nothing about tags and addresses, and pairing its marks takes micromark time by their square. */
const WITHOUT_EMPHASIS = { disable: { null: ["attention"] } };

const parse = (text: string, withFormulas: boolean) =>
  withFormulas
    ? fromMarkdown(text, { extensions: [math(), WITHOUT_EMPHASIS], mdastExtensions: [mathFromMarkdown()] })
    : fromMarkdown(text, { extensions: [WITHOUT_EMPHASIS] });

/** Without recursion, which deep nesting would break. */
function* nodesOf(root: Nodes): Generator<Nodes> {
  const open: Nodes[] = [root];
  for (let node = open.pop(); node; node = open.pop()) {
    yield node;
    if ("children" in node) open.push(...node.children.toReversed());
  }
}

/** For each place in a text, whether it is in a formula. */
function placesOfFormulas({ length }: string, root: Nodes): Uint8Array {
  const places = new Uint8Array(length);
  for (const node of nodesOf(root))
    if (node.type === "math" || node.type === "inlineMath") places.fill(1, startOf(node), endOf(node));
  return places;
}

/** @param formulas where there are some for who knows them, if the text was read by somebody who does not */
function editsOf(text: string, root: Nodes, formulas: Uint8Array | null, removed: Removals): Edit[] {
  const edits: Edit[] = [];
  for (const node of nodesOf(root)) {
    const isComparison = node.type === "html" && formulas?.[startOf(node)] === 1 && COMPARED.test(node.value);
    if (isComparison) edits.push({ start: startOf(node), end: startOf(node) + 1, by: "< " });
    else edits.push(...editsOfNode(node, text, removed));
  }
  const changes = edits.filter(({ start, end, by }) => text.slice(start, end) !== by);
  // Commands are looked for once the tags are such as to stay.
  if (changes.length === 0) changes.push(...editsOfCommands(text, root, removed));
  return changes.sort((a, b) => a.start - b.start);
}

/** Left to right; one within another waits for the next round. */
function edited(text: string, edits: readonly Edit[]): string {
  let [result, from] = ["", 0];
  for (const { start, end, by } of edits) {
    if (start < from) continue;
    result += text.slice(from, start) + by;
    from = end;
  }
  return result + text.slice(from);
}

const startOf = (node: Nodes) => node.position!.start.offset!;
const endOf = (node: Nodes) => node.position!.end.offset!;

function editsOfNode(node: Nodes, text: string, removed: Removals): Edit[] {
  const [start, end] = [startOf(node), endOf(node)];
  const raw = text.slice(start, end);
  switch (node.type) {
    case "html":
      return [{ start, end: endWithContent(text, raw, end), by: withoutDangerousTags(raw, removed) }];
    case "link": {
      if (isSafeAddress(node.url, "link")) return [];
      removed.add(`the address ${node.url.trim().slice(0, 60)} of a link`);
      const [first, last] = [node.children[0], node.children.at(-1)];
      if (!first || !last) return [{ start, end, by: "" }];
      return [
        { start, end: startOf(first), by: "" },
        { start: endOf(last), end, by: "" },
      ];
    }
    case "image":
      if (isSafeAddress(node.url, "image")) return [];
      removed.add(`the address ${node.url.trim().slice(0, 60)} of an image`);
      return [{ start, end, by: withoutMarks(node.alt ?? "") }];
    case "definition":
      // One address may serve links and images, so it must do for both.
      if (isSafeAddress(node.url, "link") || isSafeAddress(node.url, "image")) return [];
      removed.add(`the address ${node.url.trim().slice(0, 60)} of [${(node.label ?? "").slice(0, 40)}]`);
      return [{ start, end, by: "" }];
    default:
      return [];
  }
}

/** Commands that lead out of formulas, in all that is text for somebody. */
function editsOfCommands(text: string, root: Nodes, removed: Removals): Edit[] {
  const nodes = [...nodesOf(root)].filter(({ type }) => /^(?:text|html|math|inlineMath)$/.test(type));
  const written = nodes.map((node) => partsOf(node, text.slice(startOf(node), endOf(node))));
  // Written with references or backslashes, it is a command all the same once it is shown.
  const shown = nodes.map((node, index) => {
    if (node.type === "text") return partsOf(node, node.value);
    return node.type === "html" ? decoded(written[index]!) : written[index]!;
  });
  if (!/\$|\\\\?[([]|\\begin/.test(text) && !hasFormula(shown.flat())) return [];
  const edits = changesOf(nodes, written, removed);
  if (edits.length > 0) return edits;
  return changesOf(nodes, shown, removed).map(({ type, ...edit }) =>
    type === "text" ? { ...edit, by: withoutMarks(edit.by) } : edit,
  );
}

const partsOf = (node: Nodes, text: string): Part[] =>
  node.type === "html" ? partsOfHtml(text) : [{ text, isRead: true }];

const decoded = (parts: readonly Part[]): Part[] =>
  parts.map((part) => (part.isRead ? { ...part, text: withoutReferences(part.text) } : part));

function changesOf(nodes: readonly Nodes[], parts: readonly Part[][], removed: Removals): (Edit & { type: string })[] {
  const all = withoutDangerousLatex(parts.flat(), removed);
  let next = 0;
  return nodes.flatMap((node, index) => {
    const before = parts[index]!.map(({ text }) => text).join("");
    const from = next;
    next += parts[index]!.length;
    const by = all.slice(from, next).join("");
    return by === before ? [] : [{ type: node.type, start: startOf(node), end: endOf(node), by }];
  });
}

const TOKEN =
  /<!--[\s\S]*?(?:-->|$)|<[!?][^>]*(?:>|$)|<(script|style|iframe|noscript|textarea|svg|template)\b[\s\S]*?(?:<\/\1\s*>|$)|<\/?[a-z][a-z0-9-]*(?:\s+[a-z_:@][\w:.@-]*(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"'=<>`]+))?)*\s*\/?>|</gi;

const OPENED = /^<(script|style|iframe|noscript|textarea|svg|template)\b[^>]*>$/i;
const MAX_CONTENT = 2_000;

/** Where a tag ends whose content is no text for a reader: within a line, Markdown has a node for each tag. */
function endWithContent(text: string, tag: string, end: number): number {
  const name = OPENED.exec(tag)?.[1];
  if (name === undefined) return end;
  const rest = text.slice(end, end + MAX_CONTENT);
  const closing = new RegExp(`^(?:(?!\\n\\s*\\n)[\\s\\S])*?</${name}\\s*>`, "i").exec(rest)?.[0];
  return end + (closing?.length ?? 0);
}

/** Raw HTML within Markdown: tag by tag, since what closes a tag often stands behind other marks. */
function withoutDangerousTags(html: string, removed: Removals): string {
  return html.replace(TOKEN, (token, container: string | undefined) => {
    if (token === "<") return "&lt;";
    if (container !== undefined) removed.add(`<${container.toLowerCase()}>`);
    else if (/^<[!?]/.test(token)) removed.add("comments and declarations");
    else return sanitiseTag(token, removed);
    return "";
  });
}

/** As text in which nothing is a mark. */
const withoutMarks = (text: string): string =>
  text.replace(/[\\`*_{}[\]()<>#+\-.!|~$&:"'=@]/g, (mark) =>
    mark === "&" ? "&amp;" : mark === "<" ? "&lt;" : `\\${mark}`,
  );
