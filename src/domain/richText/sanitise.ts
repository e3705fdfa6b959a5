import { Removals } from "./removals.ts";
import { sanitiseHtml } from "./sanitiseHtml.ts";
import { sanitiseMarkdown } from "./sanitiseMarkdown.ts";

/** How a text is written. Moodle's auto-format is HTML in which line ends count. */
export type TextFormat = "PLAIN" | "HTML" | "MARKDOWN" | "MOODLE";

/** Longer texts are no writing of anybody; the fields that hold texts are shorter. */
const MAX_LENGTH = 200_000;

/**
 * Takes out of a text what could run, lead elsewhere or cover the page that shows it. Harmless texts stay as they are, and doing it
 * again changes nothing. Takes time in proportion to the text.
 * @returns with `removed`: what was taken out, a phrase each, e.g. `<script>`
 * @throws RangeError for a text of more than 200,000 characters
 */
export function sanitise(text: string, format: TextFormat): { text: string; removed: string[] } {
  const removed = new Removals();
  return { text: sanitised(text, format, removed), removed: removed.list() };
}

/** As `sanitise`, for several texts with one list of what was taken out. */
export function sanitised(text: string, format: TextFormat, removed: Removals): string {
  if (format === "PLAIN") return text;
  if (text.length > MAX_LENGTH) throw new RangeError(`a text of ${text.length} characters is too long`);
  return format === "MARKDOWN" ? sanitiseMarkdown(text, removed) : sanitiseHtml(text, removed);
}
