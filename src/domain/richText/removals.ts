/** As many as a person reads. */
const MAX_NAMED = 20;

/** What was taken out of texts: each thing is named once, in words. */
export class Removals {
  readonly #names = new Set<string>();
  /** How often something was taken out, whether or not the same had been before. */
  count = 0;

  add(name: string): void {
    this.#names.add(name);
    this.count += 1;
  }

  list(): string[] {
    const names = [...this.#names];
    return names.length <= MAX_NAMED ? names : [...names.slice(0, MAX_NAMED), `${names.length - MAX_NAMED} more`];
  }
}
