/** A payload for showing: ids, numbers and yes-or-no stay, every other text is masked. */
export function redactPayload(payload: unknown, name = ""): unknown {
  if (Array.isArray(payload)) return payload.map((entry) => redactPayload(entry, name));
  if (typeof payload === "object" && payload !== null)
    return Object.fromEntries(Object.entries(payload).map(([key, value]) => [key, redactPayload(value, key)]));
  return typeof payload === "string" && !/(^id|Ids?)$/.test(name) ? "[redacted]" : payload;
}
