import { z } from "zod";
import { byColumn, type FileRow, type Head } from "./peopleCsv.ts";
import { emailAddress, personLocale, personName } from "./person.ts";

const ROLES = ["STUDENT", "INSTRUCTOR", "ADMIN"] as const;
const SHOWN_CHARACTERS = 254;
const MOST_GROUPS = 20;

/** What the columns mean; one that is empty says nothing about the person. */
const person = z.object({
  email: emailAddress,
  name: personName,
  role: z
    .string()
    .toUpperCase()
    .pipe(z.enum(ROLES, `is none of ${ROLES.join(", ")}`))
    .optional(),
  locale: z.string().toLowerCase().pipe(personLocale).optional(),
  extra_time_percent: z
    .string()
    .regex(/^\d{1,3}$/, "is no whole number from 0 to 400")
    .transform(Number)
    .refine((percent) => percent <= 400, "is above 400")
    .optional(),
  groups: z
    .string()
    .transform((names) => [...new Set(names.split("|").map((name) => name.trim()))].filter((name) => name !== ""))
    .pipe(
      z
        .array(z.string().max(200, "has a name of more than 200 characters"))
        .max(MOST_GROUPS, `has more than ${MOST_GROUPS} names`),
    )
    .optional(),
});
export type PersonWanted = z.output<typeof person>;

/** A row as it was understood: somebody, or why not. `email` is what the report calls it. */
export type PersonRow =
  | { line: number; email: string; person: PersonWanted }
  | { line: number; email: string | null; problem: string };

/** Reads the rows of one file in their order. Remembers the addresses: somebody's second row is refused. */
export function personRows(head: Head): (row: FileRow) => PersonRow {
  const lineOf = new Map<string, number>();

  return (row) => {
    const { line } = row;
    const fields = byColumn(head, row);
    const written = row.fields[head.indexOf("email")]?.trim().slice(0, SHOWN_CHARACTERS) || null;
    if (typeof fields === "string") return { line, email: written, problem: fields };
    const read = person.safeParse({ email: "", name: "", ...fields });
    if (!read.success) return { line, email: written, problem: problemsOf(read.error) };
    const { email } = read.data;
    const first = lineOf.get(email);
    if (first !== undefined) return { line, email, problem: `The address is in line ${first} already.` };
    lineOf.set(email, line);
    return { line, email, person: read.data };
  };
}

const problemsOf = ({ issues }: z.ZodError): string =>
  issues.map(({ path: [column], message }) => `${String(column)}: ${message}`).join("; ");
