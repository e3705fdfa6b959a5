import type { MinuteOfActivity } from "../../queues/jobHistory.ts";
import { count, duration } from "../shortFigures.ts";
import type { QueueFigures } from "../snapshot.ts";
import { BOARD_PATH } from "./board.ts";
import { chart } from "./chart.ts";
import { type Html, html } from "./html.ts";
import { queueBadges, queueFigures } from "./overviewPage.ts";

/** Minutes that are drawn as one point: a day is 144 points. */
const STEP = 10;
const SINCE = "24 h ago";

/** One queue with its last day. @param buttons what can be done to it */
export function queuePage(queue: QueueFigures, minutes: readonly MinuteOfActivity[], buttons: Html): Html {
  const steps = inSteps(minutes.slice(0, -1));
  const rate = (countOf: (minute: MinuteOfActivity) => number) =>
    steps.map((step) => step.reduce((sum, minute) => sum + countOf(minute), 0) / step.length);
  const worst = (time: (minute: MinuteOfActivity) => number | undefined) =>
    steps.map((step) => {
      const times = step.map(time).filter((ms) => ms !== undefined);
      return times.length > 0 ? Math.max(...times) : null;
    });
  const drawn = { isTall: true, since: SINCE };
  return html`<div class="taken"><h1>${queue.name} ${queueBadges(queue)}</h1></div>
<section class="card">${queueFigures(queue)}
<div class="buttons">
<a class="button" href="${BOARD_PATH}/queue/${queue.name}">Its jobs</a>
<a class="button" href="/dead-letters?queue=${queue.name}">Its dead letters</a>
${buttons}
</div></section>
<h2>The last day</h2>
<section class="card">
${chart({ label: "completed per minute", values: rate(({ completed }) => completed), format: count, ...drawn })}
${chart({ label: "failed tries per minute", values: rate(({ failed }) => failed), format: count, isBad: true, ...drawn })}
${chart({ label: "stalled per minute", values: rate(({ stalled }) => stalled), format: count, isBad: true, ...drawn })}
${chart({ label: "wait, p95 at worst", values: worst(({ wait }) => wait?.p95), format: duration, ...drawn })}
${chart({ label: "run, p95 at worst", values: worst(({ run }) => run?.p95), format: duration, ...drawn })}
</section>`;
}

function inSteps(minutes: readonly MinuteOfActivity[]): MinuteOfActivity[][] {
  const steps: MinuteOfActivity[][] = [];
  // From the end, so that the last step is a whole one.
  for (let end = minutes.length; end > 0; end -= STEP) steps.unshift(minutes.slice(Math.max(0, end - STEP), end));
  return steps;
}
