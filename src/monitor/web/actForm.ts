import { z } from "zod";
import { type Html, html } from "./html.ts";

/** A field of a form, as the act's input declares it. */
export interface Field {
  name: string;
  isRequired: boolean;
  kind: "text" | "choice" | "list" | "time";
  /** Of a choice. */
  options: readonly string[];
}

/** What a form sent, or a link brought along: text by name. */
export type Given = Record<string, string | undefined>;

type Json = { type?: string; format?: string; enum?: string[]; anyOf?: Json[] };

/** The fields that an act asks for. */
export function fieldsOf(input: z.ZodType): Field[] {
  const schema = z.toJSONSchema(input, { io: "input", unrepresentable: "any" });
  return Object.entries(schema.properties ?? {}).map(([name, property]) => {
    const kinds = alternatives(property as Json);
    const options = kinds.find((kind) => kind.enum)?.enum ?? [];
    return { name, isRequired: schema.required?.includes(name) ?? false, kind: kindOf(kinds), options };
  });
}

const alternatives = (property: Json): Json[] => property.anyOf?.flatMap(alternatives) ?? [property];

function kindOf(kinds: readonly Json[]): Field["kind"] {
  if (kinds.some((kind) => kind.enum)) return "choice";
  if (kinds.some(({ type }) => type === "array")) return "list";
  return kinds.some(({ format }) => format === "date-time") ? "time" : "text";
}

/** The input of an act from what was sent; what was left empty is left out. Its schema does the checking. */
export function inputFrom(fields: readonly Field[], given: Given): Record<string, unknown> {
  const filled = fields.flatMap(({ name, kind }) => {
    const text = given[name]?.trim();
    return text ? [[name, valueFrom(kind, text)] as const] : [];
  });
  return Object.fromEntries(filled);
}

function valueFrom(kind: Field["kind"], text: string): unknown {
  if (kind === "list") return text.split(/[\s,]+/).filter(Boolean);
  const time = kind === "time" ? Date.parse(`${text}Z`) : Number.NaN; // browsers send it without a zone
  return Number.isNaN(time) ? text : new Date(time).toISOString();
}

/** e.g. "Retry dead letters" of "retryDeadLetters". */
export function inWords(name: string): string {
  const words = name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return words[0]!.toUpperCase() + words.slice(1);
}

export const formFields = (fields: readonly Field[], given: Given): Html[] =>
  fields.map(
    (field) =>
      html`<label>${inWords(field.name)}${field.kind === "time" && " (UTC)"}${!field.isRequired && " (optional)"} ${control(field, given[field.name] ?? "")}</label>`,
  );

/** What was asked for, in words. */
export const givenFacts = (fields: readonly Field[], given: Given): Html =>
  html`<dl class="facts">${fields.map(
    ({ name }) => given[name]?.trim() && html`<dt>${inWords(name)}</dt><dd>${given[name]}</dd>`,
  )}</dl>`;

/** The same values, out of sight, for the form that confirms. */
export const hiddenFields = (fields: readonly Field[], given: Given): Html[] =>
  fields.map(({ name }) => html`<input type="hidden" name="${name}" value="${given[name]}">`);

function control({ name, kind, options, isRequired }: Field, value: string): Html {
  const required = isRequired && html` required`;
  if (kind === "choice") {
    const shown = isRequired ? options : ["", ...options];
    return html`<select name="${name}"${required}>${shown.map(
      (option) => html`<option value="${option}"${option === value && html` selected`}>${option || "any"}</option>`,
    )}</select>`;
  }
  if (kind === "list")
    return html`<textarea name="${name}" rows="3" placeholder="one on each line"${required}>${value}</textarea>`;
  return html`<input name="${name}" value="${value}"${kind === "time" && html` type="datetime-local"`}${required}>`;
}
