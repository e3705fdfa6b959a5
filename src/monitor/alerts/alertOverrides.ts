import { z } from "zod";

const changes = z
  .strictObject({ raise: z.number(), clear: z.number(), forSeconds: z.number().min(0), off: z.boolean() })
  .partial();
const overrides = z.record(z.string(), changes);

/** Thresholds of an operator's own, by rule or by `rule:subject`. */
export type AlertOverrides = z.output<typeof overrides>;

/** ALERT_RULES as it is written: JSON. What is wrong is said with the rule it is wrong in. */
export const alertOverrides = z.string().transform((text, context): AlertOverrides => {
  const refuse = (message: string) => {
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  };
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    return refuse(`is not JSON: ${(error as Error).message}`);
  }
  const { data, error } = overrides.safeParse(json);
  if (!error) return data;
  return refuse(
    error.issues.map(({ path, message }) => [path.join("."), message].filter(Boolean).join(": ")).join("; "),
  );
});
