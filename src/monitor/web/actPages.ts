import type { ActOutcome } from "../../services/operations.service.ts";
import { type Field, formFields, type Given, givenFacts, hiddenFields, inWords } from "./actForm.ts";
import { type Html, html } from "./html.ts";

/** An act as its pages show it. */
export interface ShownAct {
  name: string;
  says: string;
  fields: readonly Field[];
}

/** Where to begin an act. @param given what is known of its fields already */
export const actLink = (name: string, given: Given = {}): string => {
  const known = Object.entries(given).flatMap(([key, value]) => (value ? [[key, value] as const] : []));
  const query = new URLSearchParams(Object.fromEntries(known)).toString();
  return `/acts/${name}${query && `?${query}`}`;
};

/** Buttons that lead to the acts on something. */
export const actButtons = (acts: readonly ShownAct[], given: Given): Html =>
  html`${acts.map(({ name, says }) => html`<a class="button" href="${actLink(name, given)}" title="${says}">${inWords(name)}…</a>`)}`;

/** The list of all there is to do. */
export const actList = (acts: readonly ShownAct[]): Html => html`<h1>Acts</h1>
<p class="quiet">Each shows first what it would be done to, and is written down in the audit log.</p>
<div class="cards">${acts.map(
  ({ name, says }) =>
    html`<section class="card"><h3><a href="${actLink(name)}">${inWords(name)}</a></h3><p class="quiet small">${says}</p></section>`,
)}</div>
<h2>Acts on one job</h2>
<p class="quiet">Every job is listed under <a href="/board/">All jobs</a>; its page there leads back here.</p>`;

/** Asks what an act is to be done to. */
export const askPage = (act: ShownAct, given: Given, formToken: string, problem?: string): Html =>
  html`<h1>${inWords(act.name)}</h1>
<p>${act.says}</p>
${problem && html`<p class="notice bad" role="alert">${problem}</p>`}
<form class="stack" method="post" action="/acts/${act.name}">
<input type="hidden" name="token" value="${formToken}">
${formFields(act.fields, given)}
<div class="buttons"><button class="main">Preview</button></div>
</form>`;

/** Shows what it would be done to. @param hasChanged since the preview that was confirmed */
export const previewPage = (
  act: ShownAct,
  given: Given,
  { count, ids }: ActOutcome,
  formToken: string,
  hasChanged: boolean,
): Html =>
  html`<div class="confirm"><h1>${inWords(act.name)}: preview</h1>
<p>${act.says}</p>
${givenFacts(act.fields, given)}<br>
${hasChanged && html`<p class="notice warn" role="alert">Something has changed since the last preview: nothing was done. This is how it is now.</p>`}
${
  count === 0
    ? html`<p class="notice">There is nothing to do.</p>`
    : html`<p class="notice warn">Nothing is done yet. It would be done to <b>${count}</b>:</p>${idList(count, ids)}`
}
<form method="post" action="/acts/${act.name}">
<input type="hidden" name="token" value="${formToken}">
<input type="hidden" name="confirmed" value="${count}">
${hiddenFields(act.fields, given)}
<div class="buttons">${count > 0 && html`<button class="danger">${inWords(act.name)}, ${count}</button>`}<a href="${actLink(act.name, given)}">Change</a></div>
</form></div>`;

/** Says what was done. */
export const donePage = (
  act: ShownAct,
  { count, ids, auditId }: ActOutcome,
): Html => html`<h1>${inWords(act.name)}: done</h1>
<p class="notice good" role="status">Done to ${count}.</p>
${idList(count, ids)}
<p class="quiet small">${auditId ? `Audit log: ${auditId}` : "There was nothing to do."}</p>
<p><a href="/">Overview</a> · <a href="/acts">Acts</a></p>`;

const idList = (count: number, ids: readonly string[]): Html =>
  html`<pre>${ids.join("\n")}${count > ids.length && `\n… and ${count - ids.length} more`}</pre>`;
