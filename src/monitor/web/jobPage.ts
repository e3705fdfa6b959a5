import type { ShownJob } from "../../queues/listJobs.ts";
import { BOARD_PATH } from "./board.ts";
import { type Html, html } from "./html.ts";
import { utc } from "./times.ts";

const time = (at: Date | null): string => (at ? `${utc(at.toISOString())} UTC` : "-");

/** One job, as Redis and the outbox know it. @param buttons what can be done to it */
export const jobPage = (job: ShownJob, buttons: Html): Html => html`<h1>${job.queue} · ${job.name}</h1>
<section class="card"><dl class="facts">
<dt>Id</dt><dd>${job.id}</dd>
<dt>State</dt><dd>${job.state}</dd>
<dt>Tries</dt><dd>${job.attempts ?? "-"} of ${job.maxAttempts ?? "-"}</dd>
<dt>Asked for</dt><dd>${time(job.createdAt)}</dd>
<dt>Not before</dt><dd>${time(job.runAt)}</dd>
<dt>Begun</dt><dd>${time(job.startedAt)}</dd>
<dt>Ended</dt><dd>${time(job.finishedAt)}</dd>
<dt>Asked for by</dt><dd>${job.ownerId ?? "-"}</dd>
<dt>In the request</dt><dd>${job.requestId ?? "-"}</dd>
</dl>
<div class="buttons">
<a class="button" href="${BOARD_PATH}/queue/${job.queue}/${job.id}">In the list of all jobs</a>
${job.isScheduled ? html`<span class="quiet small">A schedule made it: it is left to that.</span>` : buttons}
</div></section>
${job.error && html`<h2>Error</h2><pre>${job.error}${job.stack.length > 0 && `\n\n${job.stack.join("\n")}`}</pre>`}
<h2>Payload, redacted</h2><pre>${JSON.stringify(job.payload, null, 2)}</pre>`;
