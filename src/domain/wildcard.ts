/**
 * Whether the whole text fits the pattern, in which `*` stands for any run of characters and `\*` for a star.
 * Never backtracks: between the fixed ends, the leftmost place of each piece is always good enough.
 */
export function matchesWildcard(pattern: string, text: string): boolean {
  const pieces = splitAtStars(pattern);
  const first = pieces[0] ?? "";
  if (pieces.length === 1) return text === first;
  const last = pieces[pieces.length - 1] ?? "";
  const end = text.length - last.length;
  if (end < first.length || !text.startsWith(first) || !text.endsWith(last)) return false;

  let from = first.length;
  for (const piece of pieces.slice(1, -1)) {
    const at = text.indexOf(piece, from);
    if (at === -1 || at + piece.length > end) return false;
    from = at + piece.length;
  }
  return true;
}

function splitAtStars(pattern: string): string[] {
  const pieces = [""];
  for (const part of pattern.match(/\\\*|\*|[^\\*]+|\\/g) ?? []) {
    if (part === "*") pieces.push("");
    else pieces[pieces.length - 1] += part === "\\*" ? "*" : part;
  }
  return pieces;
}
