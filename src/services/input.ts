import type { z } from "zod";
import { badInput, type FieldProblem } from "../domain/errors.ts";
import { isStorable, NOT_STORABLE_MESSAGE } from "../domain/storedText.ts";

/**
 * Checks an input against its schema and gives back what the schema makes of it. A text that the database cannot keep is
 * wrong in every input; `isFile` is for one whose texts are looked at piece by piece later.
 * @throws BAD_USER_INPUT that names every field that is wrong.
 */
export function parseInput<Schema extends z.ZodType>(
  schema: Schema,
  input: unknown,
  { path = "input", isFile = false }: { path?: string; isFile?: boolean } = {},
): z.output<Schema> {
  const result = schema.safeParse(input);
  const problems = result.success ? [] : result.error.issues;
  const fields = problems.map((issue) => ({ path: joined(path, ...issue.path), message: issue.message }));
  if (!isFile) fields.push(...notStorable(input, path));
  if (result.success && fields.length === 0) return result.data;
  throw badInput(
    `Some of the input is not right: ${fields.map(({ path, message }) => `${path}: ${message}`).join("; ")}`,
    fields,
  );
}

/** The path of an argument that stands alone begins with its own name. */
const joined = (...path: PropertyKey[]): string => path.filter((part) => part !== "").join(".");

function notStorable(value: unknown, path: string): FieldProblem[] {
  if (typeof value === "string") return isStorable(value) ? [] : [{ path, message: NOT_STORABLE_MESSAGE }];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => notStorable(inner, joined(path, key)));
}
