import { z } from "zod";
import { allQueues } from "./allQueues.ts";
import type { QueueDeclaration } from "./defineQueue.ts";

const hidden = "[redacted]";
const uuid = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;
const address = /[^\s"'<>(),;:=]+@[^\s"'<>(),;]+/g;
/** Long runs without a space that mix letters and digits: tokens, hashes, signed links. An id is no secret. */
const token = /[\w+/=.-]{23,}[\w+/=-]/g;

/**
 * A job's payload as operators may see it: its structure, ids, numbers, truth values, and the words its queue declares (a template's name,
 * a kind of change). Everything else somebody wrote, and is not shown.
 */
export function redactPayload(
  queue: string,
  name: string,
  payload: unknown,
  declarations: readonly QueueDeclaration[] = allQueues,
): unknown {
  const jobs = declarations.find((declared) => declared.name === queue)?.jobs ?? {};
  return redact(payload, Object.hasOwn(jobs, name) ? wordsOf(jobs[name]!.payload) : new Set());
}

/** An error's text as operators may see it: without addresses of people and without what looks like a token. */
export const redactText = (text: string): string =>
  text
    .replace(address, hidden)
    .replace(token, (run) => (uuid.test(run) || !/\d/.test(run) || !/[A-Za-z]/.test(run) ? run : hidden));

const knownWords = new WeakMap<z.ZodType, Set<unknown>>();

/** The words a schema declares; worked out once, because a page shows many jobs. */
function wordsOf(schema: z.ZodType): Set<unknown> {
  const known = knownWords.get(schema);
  if (known) return known;
  const words = new Set<unknown>();
  collectWords(z.toJSONSchema(schema, { unrepresentable: "any" }), words);
  knownWords.set(schema, words);
  return words;
}

function collectWords(schema: unknown, words: Set<unknown>): void {
  if (typeof schema !== "object" || schema === null) return;
  const { const: literal, enum: options } = schema as { const?: unknown; enum?: unknown };
  if (literal !== undefined) words.add(literal);
  if (Array.isArray(options)) for (const option of options) words.add(option);
  for (const inner of Object.values(schema)) collectWords(inner, words);
}

function redact(value: unknown, words: ReadonlySet<unknown>): unknown {
  if (typeof value === "string") return uuid.test(value) || words.has(value) ? value : hidden;
  if (Array.isArray(value)) return value.map((inner) => redact(inner, words));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, redact(inner, words)]));
}
