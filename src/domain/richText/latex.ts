import { isSafeAddress } from "./allowedHtml.ts";
import type { Removals } from "./removals.ts";

/** Commands that lead out of a formula: to another page, to files, or into the page around it. */
const LEADING_OUT =
  /\\(href|url|includegraphics|html(?:Class|Data|Id|Style)|cssId|class|style|bbox|require|input|include|openin|openout|read|write18|write|immediate|special|catcode|csname|directlua)(?![A-Za-z])/g;
const TARGET = /\s*\{([^{}\\]*)\}/y;
const HAS_FORMULA = /\$|\\\(|\\\[|\\begin\s*\{/;

/**
 * Takes the command out of what could lead out of a formula, and leaves its words: `\href{javascript:…}{x}` becomes
 * `\text{href}{javascript:…}{x}`. A link with a harmless address stays. A text without any formula is left alone.
 */
export function withoutDangerousLatex(text: string, removed: Removals): string {
  if (!text.includes("\\") || !HAS_FORMULA.test(text)) return text;
  return text.replace(LEADING_OUT, (command, name: string, at: number) => {
    if ((name === "href" || name === "url") && hasSafeTarget(text, at + command.length)) return command;
    removed.add(`\\${name} in a formula`);
    return `\\text{${name}}`;
  });
}

function hasSafeTarget(text: string, at: number): boolean {
  TARGET.lastIndex = at;
  const target = TARGET.exec(text)?.[1];
  return target !== undefined && /^\s*(?:https?:|mailto:)/i.test(target) && isSafeAddress(target, "link");
}
