import { type Html, html } from "./html.ts";

const WIDTH = 600;
const HEIGHT = 100;
/** So that a line at the very top is not cut in half. */
const HEADROOM = 6;

interface Chart {
  label: string;
  /** One for each stretch of time, the oldest first; null where nothing is known. */
  values: readonly (number | null)[];
  format: (value: number) => string;
  /** What is drawn are failures. */
  isBad?: boolean;
  isTall?: boolean;
  /** What the left edge is, e.g. "1 h ago". */
  since: string;
}

/** A line over time as SVG, from zero to the largest value; its caption says the largest and the latest in words. */
export function chart({ label, values, format, isBad = false, isTall = false, since }: Chart): Html {
  const known = values.filter((value) => value !== null);
  const most = Math.max(0, ...known);
  const latest = values.at(-1) ?? null;
  const said = latest === null ? "-" : format(latest);
  const runs = runsOf(values, most);
  return html`<figure class="chart${isBad && " bad"}${isTall && " tall"}">
<figcaption><span>${label}</span><span>${known.length > 0 && `most ${format(most)} · now `}<b>${said}</b></span></figcaption>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label="${label}: ${said} now, at most ${format(most)} since ${since}">
${runs.map((run) => html`<path class="area" d="${areaUnder(run)}"/><path class="line" d="${lineThrough(run)}"/>`)}
</svg>
${isTall && html`<div class="axis"><span>${since}</span><span>now</span></div>`}
</figure>`;
}

type Point = readonly [x: number, y: number];

/** The stretches without a gap, in the coordinates of the picture. */
function runsOf(values: readonly (number | null)[], most: number): Point[][] {
  const stepX = WIDTH / Math.max(1, values.length - 1);
  const scaleY = (HEIGHT - HEADROOM) / (most || 1);
  const runs: Point[][] = [];
  let isGap = true;
  values.forEach((value, index) => {
    if (value !== null) {
      if (isGap) runs.push([]);
      runs.at(-1)!.push([round(index * stepX), round(HEIGHT - value * scaleY)]);
    }
    isGap = value === null;
  });
  return runs.map((run) => (run.length > 1 ? run : widened(run[0]!))); // one minute alone would be no line at all
}

const round = (coordinate: number) => Math.round(coordinate * 10) / 10;
const widened = ([x, y]: Point): Point[] => [
  [Math.max(0, x - 2), y],
  [Math.min(WIDTH, x + 2), y],
];
const lineThrough = (run: readonly Point[]) => `M${run.map(([x, y]) => `${x} ${y}`).join("L")}`;
const areaUnder = (run: readonly Point[]) => `${lineThrough(run)}V${HEIGHT}H${run[0]![0]}Z`;
