export type Mark = "::" | "{" | "}" | "####" | "#" | "=" | "~" | "->";

/** A piece of a question: a mark with a meaning of its own, or text between marks, its escapes undone. */
export interface Token {
  mark: Mark | null;
  text: string;
}

const PIECE = /\\[~=#{}:n\\]|::|####|->|[{}#=~]|[^\\:{}#=~-]+|[\s\S]/g;
const MARKS: ReadonlySet<string> = new Set<Mark>(["::", "{", "}", "####", "#", "=", "~", "->"]);

const isMark = (piece: string): piece is Mark => MARKS.has(piece);

/** One pass over the text. `\n` is a line break, `\\` a backslash; a backslash before anything else stays. */
export function tokenise(text: string): Token[] {
  const tokens: Token[] = [];
  let plain: string[] = [];
  const closePlain = () => {
    if (plain.length > 0) tokens.push({ mark: null, text: plain.join("") });
    plain = [];
  };
  for (const piece of text.match(PIECE) ?? []) {
    if (isMark(piece)) {
      closePlain();
      tokens.push({ mark: piece, text: piece });
    } else {
      plain.push(withoutEscape(piece));
    }
  }
  closePlain();
  return tokens;
}

function withoutEscape(piece: string): string {
  if (piece.length < 2 || !piece.startsWith("\\")) return piece;
  return piece === "\\n" ? "\n" : piece.slice(1);
}

/** The text again; marks stand for themselves, as they do where they mean nothing. */
export const textOf = (tokens: readonly Token[]) => tokens.map(({ text }) => text).join("");

export const find = (tokens: readonly Token[], mark: Mark) => tokens.findIndex((token) => token.mark === mark);

/** Before and after the first such mark; `after` is null if there is none. */
export function cut(
  tokens: readonly Token[],
  mark: Mark,
): { before: readonly Token[]; after: readonly Token[] | null } {
  const at = find(tokens, mark);
  return at === -1 ? { before: tokens, after: null } : { before: tokens.slice(0, at), after: tokens.slice(at + 1) };
}

/** The tokens before the first of the marks, and each mark with what follows it. */
export function splitAt(tokens: readonly Token[], ...marks: Mark[]) {
  const before: Token[] = [];
  const items: { mark: Mark; tokens: Token[] }[] = [];
  for (const token of tokens) {
    if (token.mark !== null && marks.includes(token.mark)) items.push({ mark: token.mark, tokens: [] });
    else (items.at(-1)?.tokens ?? before).push(token);
  }
  return { before, items };
}
