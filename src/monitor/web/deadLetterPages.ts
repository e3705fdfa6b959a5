import type { DeadLetter } from "../../queues/deadLetters.ts";
import { redactPayload, redactText } from "../../queues/redactPayload.ts";
import { actLink } from "./actPages.ts";
import { BOARD_PATH } from "./board.ts";
import { type Html, html } from "./html.ts";
import { table } from "./table.ts";
import { utc } from "./times.ts";

/** What somebody looks for; empty for anything. */
export interface DeadLetterWish {
  queue: string;
  name: string;
  error: string;
}

const longestShown = 160;

/** The jobs that failed for good. @param mayAct whether to offer to do something about them */
export function deadLetterList(
  { entries, totalCount }: { entries: readonly DeadLetter[]; totalCount: number },
  { wish, queues, mayAct }: { wish: DeadLetterWish; queues: readonly string[]; mayAct: boolean },
): Html {
  const isFiltered = Object.values(wish).some(Boolean);
  const isMore = totalCount > entries.length;
  return html`<h1>Dead letters</h1>
<form class="row" method="get" action="/dead-letters">
<label>Queue <select name="queue">${["", ...queues].map(
    (queue) => html`<option value="${queue}"${queue === wish.queue && html` selected`}>${queue || "any"}</option>`,
  )}</select></label>
<label>Job <input name="name" value="${wish.name}"></label>
<label>Error holds <input name="error" value="${wish.error}"></label>
<button>Filter</button>
</form>
<p class="quiet">${totalCount} ${totalCount === 1 ? "job" : "jobs"}${isFiltered && " of this kind"} failed for good.${isMore && ` The latest ${entries.length} are shown.`}</p>
${
  mayAct &&
  isFiltered &&
  totalCount > 0 &&
  html`<div class="buttons"><a class="button" href="${actLink("retryDeadLetters", { ...wish })}">Retry all of these…</a><a class="button" href="${actLink("discardDeadLetters", { ...wish })}">Discard all of these…</a></div><br>`
}
${table<DeadLetter>(
  entries,
  [
    { title: "failed", cell: ({ failedAt }) => utc(failedAt.toISOString()) },
    { title: "queue", cell: ({ queue }) => queue },
    { title: "job", cell: ({ id, name }) => html`<a href="/dead-letters/${id}">${name}</a>` },
    { title: "tries", cell: ({ attempts }) => attempts },
    { title: "error", cell: ({ error }) => shortened(redactText(error)) },
  ],
  "There are none.",
)}`;
}

const shortened = (text: string): string => {
  const [line = ""] = text.split("\n");
  return line.length > longestShown ? `${line.slice(0, longestShown)}…` : line;
};

/** One of them, with what is not private of its payload. */
export const deadLetterPage = (
  letter: DeadLetter,
  mayAct: boolean,
): Html => html`<h1>${letter.queue} · ${letter.name}</h1>
<section class="card"><dl class="facts">
<dt>Failed</dt><dd>${utc(letter.failedAt.toISOString())} UTC</dd>
<dt>Tries</dt><dd>${letter.attempts}</dd>
<dt>Job</dt><dd><a href="${BOARD_PATH}/queue/${letter.queue}/${letter.jobId}">${letter.jobId}</a></dd>
<dt>Asked for by</dt><dd>${letter.ownerId ?? "-"}</dd>
<dt>In the request</dt><dd>${letter.requestId ?? "-"}</dd>
</dl>
${
  mayAct &&
  html`<div class="buttons"><a class="button" href="${actLink("retryDeadLetters", { ids: letter.id })}">Retry…</a><a class="button" href="${actLink("discardDeadLetters", { ids: letter.id })}">Discard…</a></div>`
}
</section>
<h2>Error</h2><pre>${redactText(letter.error)}</pre>
<h2>Payload, redacted</h2><pre>${JSON.stringify(redactPayload(letter.queue, letter.name, letter.payload), null, 2)}</pre>`;
