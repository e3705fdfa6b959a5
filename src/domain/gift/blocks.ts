/** Lines that belong together: a question, a category, or comments alone. Lines are counted from 1. */
export type GiftBlock = { line: number; endLine: number } & (
  | { kind: "question"; text: string; comments: string[] }
  | { kind: "category"; name: string }
  | { kind: "comments"; comments: string[] }
);

const CATEGORY = /^\$CATEGORY:(.*)$/i;

/** Blank lines part questions; comment lines belong to the question around or right below them. */
export function splitBlocks(file: string): GiftBlock[] {
  const blocks: GiftBlock[] = [];
  let open = { lines: [] as string[], comments: [] as string[], line: 0, endLine: 0 };

  const close = () => {
    const { lines, comments, line, endLine } = open;
    if (lines.length > 0) blocks.push({ kind: "question", line, endLine, text: lines.join("\n"), comments });
    else if (comments.length > 0) blocks.push({ kind: "comments", line, endLine, comments });
    open = { lines: [], comments: [], line: 0, endLine: 0 };
  };

  for (const [index, line] of file
    .replace(/^\uFEFF/, "")
    .split(/\r\n|\r|\n/)
    .entries()) {
    const number = index + 1;
    const trimmed = line.trim();
    const category = CATEGORY.exec(trimmed);
    if (trimmed === "") {
      close();
    } else if (category) {
      close();
      blocks.push({ kind: "category", line: number, endLine: number, name: (category[1] ?? "").trim() });
    } else {
      const isComment = trimmed.startsWith("//");
      if (isComment) open.comments.push(trimmed.slice(2));
      else open.lines.push(line);
      // A question begins below the comments above it.
      if (open.line === 0 || (!isComment && open.lines.length === 1)) open.line = number;
      open.endLine = number;
    }
  }
  close();
  return blocks;
}
