import { setImmediate as aTurn } from "node:timers/promises";
import { describe, expect, it } from "@jest/globals";
import { stringify } from "csv-stringify/sync";
import fc from "fast-check";
import { MAX_ROWS } from "../../src/domain/peopleCsv.ts";
import type { PersonRow } from "../../src/domain/personRow.ts";
import { checkPeopleFile, peopleOf } from "../../src/services/peopleFile.ts";

const check = (csv: string, isForCourse = true) => checkPeopleFile(csv, { isForCourse });
async function people(csv: string): Promise<PersonRow[]> {
  const rows: PersonRow[] = [];
  for await (const chunk of peopleOf(csv, 3)) rows.push(...chunk);
  return rows;
}
const lines = async (csv: string) => (await people(csv)).map(({ line, email }) => `${line} ${email}`);

describe("a file of people", () => {
  it.each([
    ["commas", "email,name\nada@x.example,Ada\nbob@x.example,Bob", ["2 ada@x.example", "3 bob@x.example"]],
    ["semicolons", "email;name\nada@x.example;Ada, Countess\n", ["2 ada@x.example"]],
    ["tabs", "email\tname\nada@x.example\tAda\n", ["2 ada@x.example"]],
    ["a byte order mark", "\uFEFFemail,name\nada@x.example,Ada\n", ["2 ada@x.example"]],
    ["a byte order mark and quotes", '\uFEFF"email","name"\n"ada@x.example","Ada"\n', ["2 ada@x.example"]],
    [
      "line ends of Windows",
      "email,name\r\nada@x.example,Ada\r\nbob@x.example,Bob\r\n",
      ["2 ada@x.example", "3 bob@x.example"],
    ],
    [
      "line ends of old Macs",
      "email,name\rada@x.example,Ada\rbob@x.example,Bob",
      ["2 ada@x.example", "3 bob@x.example"],
    ],
    [
      "line ends of both",
      "email,name\r\nada@x.example,Ada\nbob@x.example,Bob\r\n",
      ["2 ada@x.example", "3 bob@x.example"],
    ],
    [
      "blank lines",
      "\n\nemail,name\n\nada@x.example,Ada\n,\n  \nbob@x.example,Bob\n\n",
      ["5 ada@x.example", "8 bob@x.example"],
    ],
    ["quoted quotes", 'email,name\nada@x.example,"Ada ""the Countess"" Lovelace"\n', ["2 ada@x.example"]],
    [
      "line ends in quotes, which count as lines",
      'email,name\r\nada@x.example,"Ada\r\nLovelace\nand\rothers"\r\nbob@x.example,Bob\r\n',
      ["2 ada@x.example", "6 bob@x.example"],
    ],
    ["another order of columns", "role,name,email\nSTUDENT,Ada,ada@x.example", ["2 ada@x.example"]],
  ])("is read with %s", async (_what, csv, expected) => {
    expect(await lines(csv)).toEqual(expected);
    expect(await check(csv)).toBe(expected.length);
  });

  it("has rows of the wrong width refused one by one", async () => {
    const rows = await people("email,name\nada@x.example,Lovelace, Ada\nbob@x.example\ncleo@x.example,Cleo");
    expect(rows).toEqual([
      { line: 2, email: "ada@x.example", problem: expect.stringContaining("3 fields") },
      { line: 3, email: "bob@x.example", problem: expect.stringContaining("1 fields") },
      { line: 4, email: "cleo@x.example", person: { email: "cleo@x.example", name: "Cleo" } },
    ]);
  });

  const many = (count: number) => `email,name\n${"a@x.example,A\n".repeat(count)}`;
  it.each([
    ["empty", "", "The file is empty"],
    ["blank", "\n \r\n,,\n", "The file is empty"],
    ["only a head line", "email,name\n\n", "nothing below it"],
    ["without the columns", "Vorname,Nachname\nAda,Lovelace", "not known: “vorname”, “nachname”"],
    [
      "of a quote that is never closed",
      `${many(2_000)}b@x.example,"Bob\n${many(10)}`,
      "Line 2002 of the file: in the row that begins here a quote is opened and never closed",
    ],
    [
      "of a quote in the middle of a field",
      'email,name\na@x.example,Ada "the Countess" Lovelace',
      "Line 2 of the file: in the row that begins here a quote stands in a field",
    ],
    [
      "of text behind a quote",
      'email,name\na@x.example,"Ada" Lovelace',
      "Line 2 of the file: in the row that begins here something stands between",
    ],
    [
      "in another encoding",
      "email,name\na@x.example,J\uFFFDrg",
      "Line 2 of the file: it holds a character that cannot be read",
    ],
    ["with a NUL", "email,name\na@x.example,A\0", "Line 2 of the file: it holds a character that cannot be read"],
    ["too long", many(MAX_ROWS + 1), `Line ${MAX_ROWS + 2} of the file: more than 50,000 rows`],
  ])("is refused as a whole when it is %s", async (_what, csv, message) => {
    await expect(check(csv)).rejects.toMatchObject({
      code: "BAD_USER_INPUT",
      message: expect.stringContaining(message),
      fields: [{ path: "input.csv" }],
    });
  });

  it("has extra time for a course only", async () => {
    const csv = "email,name,extra_time_percent\na@x.example,Ada,25";
    expect(await check(csv, true)).toBe(1);
    await expect(check(csv, false)).rejects.toThrow("name the course, or leave out the column");
  });

  it("may be as long as is allowed, and lets others have their turn while it is read", async () => {
    let turns = 0;
    let isRead = false;
    const others = (async () => {
      for (; !isRead; turns += 1) await aTurn();
    })();
    const csv = many(MAX_ROWS);
    expect(await check(csv)).toBe(MAX_ROWS);
    isRead = true;
    await others;
    expect(turns).toBeGreaterThan(csv.length / (64 * 1024));
  });

  it("is read back line for line as it was written, whatever the fields hold", async () => {
    const field = fc.oneof(
      fc.string({ unit: "grapheme" }),
      fc.string({ unit: fc.constantFrom('"', ",", ";", "\n", "\r", "\r\n", "\t", " ", "a", "é", "=") }),
    );
    const options = fc.record({
      delimiter: fc.constantFrom(",", ";", "\t"),
      record_delimiter: fc.constantFrom("\n" as const, "\r\n" as const),
      bom: fc.boolean(),
      quoted: fc.boolean(),
    });
    const blank = (text: string) => text.trim() === "";
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(field, field), { maxLength: 12 }), options, async (fields, format) => {
        const csv = stringify([["email", "name"], ...fields], { ...format, quote_record_delimiter: true });
        const expected: { line: number; email: string | null }[] = [];
        let line = 2;
        for (const [email, name] of fields) {
          if (!blank(email) || !blank(name)) expected.push({ line, email: email.trim() || null });
          line += 1 + `${email}\0${name}`.split(/\r\n|\n|\r/).length - 1;
        }
        const read = await people(csv);
        expect(read.map(({ line, email }) => ({ line, email: email?.toLowerCase() }))).toEqual(
          expected.map(({ line, email }) => ({ line, email: email?.slice(0, 254).toLowerCase() })),
        );
      }),
      { numRuns: 200 },
    );
  });
});
