import { isSafeAddress } from "./allowedHtml.ts";
import type { Removals } from "./removals.ts";

/** Commands that lead out of a formula: to another page, to files, or into the page around it. */
const LEADING_OUT: ReadonlySet<string> = new Set([
  ...["href", "url", "includegraphics", "htmlClass", "htmlData", "htmlId", "htmlStyle", "cssId", "class", "style"],
  ...["bbox", "data", "mmlToken", "input", "include", "openin", "openout", "read", "write", "immediate", "require"],
  ...["special", "catcode", "csname", "directlua"],
]);
const LONGEST = Math.max(...[...LEADING_OUT].map(({ length }) => length));
const TARGET = /\s*\{([^{}\\]*)\}/y;
const HAS_FORMULA = /\$|\\\(|\\\[|\\begin/;

/** A part of a text: a tag, code, or what is read for formulas. */
export interface Part {
  text: string;
  isRead: boolean;
}

const readOf = (parts: readonly Part[]) => parts.filter(({ isRead }) => isRead).map(({ text }) => text);

/** Told by the whole text: the signs of a formula may stand in other parts than its commands. */
export const hasFormula = (parts: readonly Part[]): boolean => HAS_FORMULA.test(readOf(parts).join(""));

/**
 * Takes the command out of what could lead out of a formula, and leaves its words: `\href{javascript:…}{x}` becomes
 * `\text{href}{javascript:…}{x}`. A link with a harmless address stays. The parts are read as one, since typesetters read on across
 * some tags: `\hr<wbr>ef` is a command. To be called for a text with a formula in it.
 * @returns the texts of all parts
 */
export function withoutDangerousLatex(parts: readonly Part[], removed: Removals): string[] {
  const commands = commandsOf(readOf(parts));
  for (const { name } of commands) removed.add(`\\${name} in a formula`);
  const inserts = commands.flatMap(({ at, end }) => [
    { at: at + 1, text: "text{" },
    { at: end, text: "}" },
  ]);
  let [start, next] = [0, 0];
  return parts.map(({ text, isRead }) => {
    if (!isRead) return text;
    let [result, from] = ["", 0];
    for (let insert = inserts[next]; insert && insert.at <= start + text.length; insert = inserts[++next]) {
      result += text.slice(from, insert.at - start) + insert.text;
      from = insert.at - start;
    }
    start += text.length;
    return result + text.slice(from);
  });
}

/** Whether there would be something to take out. */
export const leadsOut = (text: string): boolean => commandsOf([text]).length > 0;

function commandsOf(texts: readonly string[]): { at: number; end: number; name: string }[] {
  const whole = texts.join("");
  let length = 0;
  const cuts = texts.map((text) => {
    length += text.length;
    return length;
  });
  let cut = 0;
  const commands = [];
  for (const { 0: command, index: at } of whole.matchAll(/\\[A-Za-z]+/g)) {
    // A name ends where its letters do, or else at a tag: `\href<br>x`.
    const ends = [at + command.length];
    for (; cuts[cut]! < ends[0]!; cut++) if (cuts[cut]! > at && cuts[cut]! <= at + 1 + LONGEST) ends.push(cuts[cut]!);
    const end = ends.find((place) => LEADING_OUT.has(whole.slice(at + 1, place)));
    if (end === undefined) continue;
    const name = whole.slice(at + 1, end);
    if (!((name === "href" || name === "url") && hasSafeTarget(whole, end))) commands.push({ at, end, name });
  }
  return commands;
}

function hasSafeTarget(text: string, at: number): boolean {
  TARGET.lastIndex = at;
  const target = TARGET.exec(text)?.[1];
  return target !== undefined && /^\s*(?:https?:|mailto:)/i.test(target) && isSafeAddress(target, "link");
}
