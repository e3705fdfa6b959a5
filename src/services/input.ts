import type { z } from "zod";
import { badInput } from "../domain/errors.ts";

/**
 * Checks an input against its schema and gives back what the schema makes of it.
 * @throws BAD_USER_INPUT that names every field that is wrong.
 */
export function parseInput<Schema extends z.ZodType>(schema: Schema, input: unknown, path = "input"): z.output<Schema> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const fields = result.error.issues.map((issue) => ({
    path: [path, ...issue.path].join("."),
    message: issue.message,
  }));
  throw badInput(
    `Some of the input is not right: ${fields.map(({ path, message }) => `${path}: ${message}`).join("; ")}`,
    fields,
  );
}
