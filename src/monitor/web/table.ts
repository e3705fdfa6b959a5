import { type Html, html } from "./html.ts";

export interface Column<Row> {
  title: string;
  cell(row: Row): Html | string | number;
}

/** On a narrow screen each row becomes a card, in which the titles stand beside the values. @param none instead of no rows */
export function table<Row>(rows: readonly Row[], columns: readonly Column<Row>[], none: string): Html {
  if (rows.length === 0) return html`<p class="quiet">${none}</p>`;
  return html`<table class="stacked"><thead><tr>${columns.map(({ title }) => html`<th>${title}</th>`)}</tr></thead><tbody>${rows.map(
    (row) => html`<tr>${columns.map(({ title, cell }) => html`<td data-label="${title}">${cell(row)}</td>`)}</tr>`,
  )}</tbody></table>`;
}
