/** What one process exported, by series: the name with its labels as Prometheus writes them. */
export class Samples {
  readonly text: string;
  readonly #values: Map<string, number>;

  constructor(text: string) {
    this.text = text;
    const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    this.#values = new Map(
      lines.map((line) => {
        const at = line.lastIndexOf(" ");
        return [line.slice(0, at), Number(line.slice(at + 1))];
      }),
    );
  }

  get series(): string[] {
    return [...this.#values.keys()];
  }

  /** The names of all metrics that there are, with or without a series, and of a histogram's parts. */
  get names(): string[] {
    return [...this.text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].flatMap(([, name, type]) =>
      type === "histogram" ? ["bucket", "sum", "count"].map((part) => `${name}_${part}`) : [name!],
    );
  }

  /** The value of the one series with this name and at least these labels; undefined if there is none. */
  value(name: string, labels: Record<string, string> = {}): number | undefined {
    const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
    const found = this.series.filter(
      (series) => series.replace(/\{.*/, "") === name && wanted.every((label) => series.includes(label)),
    );
    if (found.length > 1) throw new Error(`${name} has several such series: ${found.join(", ")}`);
    return this.#values.get(found[0] ?? "");
  }
}

/** Asks a running program for its metrics. */
export async function scrape(program: { url: string }): Promise<Samples> {
  const response = await fetch(`${program.url}/metrics`);
  if (response.status !== 200) throw new Error(`/metrics answered ${response.status}`);
  return new Samples(await response.text());
}
