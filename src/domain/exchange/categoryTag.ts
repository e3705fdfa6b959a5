/** The last part of `a/b/c` as a slug; in a name, `//` stands for a slash. Empty where nothing is left of it. */
export function tagsOfCategory(path: string): string[] {
  const last = path.replace(/\/\//g, "\0").split("/").at(-1) ?? "";
  const slug = last
    .normalize("NFC")
    .toLowerCase()
    .match(/[\p{L}\p{M}\p{N}]+/gu)
    ?.join("-")
    .slice(0, 100);
  return slug ? [slug] : [];
}

export const categoryNote = (name: string, [tag]: readonly string[]) =>
  tag === undefined
    ? `The category "${name}" makes no tag; the questions below it get none.`
    : `The category "${name}" became the tag "${tag}" of the questions below it.`;
