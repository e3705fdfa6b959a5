import { describe, expect, it } from "@jest/globals";
import { byColumn, lineAfter, readHead, requireReadable, separatorOf } from "../../src/domain/peopleCsv.ts";

const head = (...fields: string[]) => readHead({ line: 1, fields });

describe("the head line of a file of people", () => {
  it.each([
    [["email", "name"]],
    [["Name", " EMAIL ", "Role"]],
    [["extra_time_percent", "LOCALE", "name", "email", "role"]],
  ])("may be %j", (fields) => {
    expect(head(...fields)).toEqual(fields.map((field) => field.trim().toLowerCase()));
  });

  it.each([
    ["lacks the address", ["name", "role"], "lacks “email”"],
    ["lacks everything", ["role"], "lacks “email”, “name”"],
    ["has a column that is not known", ["email", "name", "rolle"], "not known: “rolle”"],
    ["has a column without a name", ["email", "name", ""], "not known: “”"],
    ["has a column twice", ["email", "name", "Email"], "“email” twice"],
    ["is a row", ["ada@school.example", "Ada"], "not known: “ada@school.example”"],
  ])("is refused when it %s, with what to do", (_what, fields, message) => {
    expect(() => head(...fields)).toThrow(
      expect.objectContaining({
        code: "BAD_USER_INPUT",
        message: expect.stringContaining(`Line 1 of the file: the head line`),
        fields: [{ path: "input.csv", message: expect.stringContaining(message) }],
      }),
    );
  });
});

describe("the separator of a file", () => {
  it.each([
    ["email,name\na;b;c;d", ","],
    ["email;name;role\na,b", ";"],
    ["email\tname\n", "\t"],
    ["\n\r\nemail;name", ";"],
    ["email", ","],
    ["", ","],
  ])("of %j is %j", (csv, separator) => {
    expect(separatorOf(csv)).toBe(separator);
  });
});

describe("a file that was saved in another encoding", () => {
  it.each([
    ["Latin-1, whose umlauts came as the replacement character", "email,name\na@b.example,J\uFFFDrg", 2],
    ["UTF-16, whose every other byte is zero", "e\0m\0a\0i\0l\0", 1],
    ["half of a surrogate pair", 'email,name\r\n"x\r\ny",b\r\n\uD800', 4],
  ])("is refused: %s", (_what, csv, line) => {
    expect(() => requireReadable(csv)).toThrow(
      expect.objectContaining({ code: "BAD_USER_INPUT", message: expect.stringContaining(`Line ${line} of the file`) }),
    );
    expect(() => requireReadable(csv)).toThrow("CSV UTF-8");
  });

  it("is taken when it is UTF-8, whatever the alphabet", () => {
    expect(() => requireReadable("\uFEFFemail,name\nzoë@school.example,Zoë 🎓 Łukasz 王")).not.toThrow();
  });
});

describe("a row", () => {
  it("is known by its columns, without those that are empty", () => {
    const columns = head("name", "email", "role", "locale");
    expect(byColumn(columns, { line: 2, fields: [" Ada ", "ada@school.example", "", " "] })).toEqual({
      name: "Ada",
      email: "ada@school.example",
    });
  });

  it.each([[["ada@school.example"]], [["ada@school.example", "Lovelace", "Ada"]]])(
    "must have the head's columns: %j",
    (fields) => {
      expect(byColumn(head("email", "name"), { line: 2, fields })).toContain(
        `The row has ${fields.length} fields and the head line 2`,
      );
    },
  );

  it.each([
    [["a", "b"], 8],
    [["a\nb", "c"], 9],
    [["a\r\nb", "c\rd\n\ne"], 12],
  ])("%j ends where the next begins", (fields, next) => {
    expect(lineAfter({ line: 7, fields })).toBe(next);
  });
});
