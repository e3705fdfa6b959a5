import { describe, expect, it } from "@jest/globals";
import type { Head } from "../../src/domain/peopleCsv.ts";
import { personRows } from "../../src/domain/personRow.ts";

const HEAD: Head = ["email", "name", "role", "locale", "extra_time_percent", "groups"];
const read = (...fields: string[]) =>
  personRows(HEAD)({ line: 2, fields: [...fields, ...HEAD.slice(fields.length).map(() => "")] });

describe("a row of a file of people", () => {
  it("says who somebody is to be", () => {
    expect(read(" Ada@School.Example", "Ada  Lovelace", "instructor", "DE", "25")).toEqual({
      line: 2,
      email: "ada@school.example",
      person: {
        email: "ada@school.example",
        name: "Ada  Lovelace",
        role: "INSTRUCTOR",
        locale: "de",
        extra_time_percent: 25,
      },
    });
  });

  it("names groups, each once, with a bar between", () => {
    const groups = (text: string) => read("ada@school.example", "Ada", "", "", "", text);
    expect(groups("Late shift")).toMatchObject({ person: { groups: ["Late shift"] } });
    expect(groups(" B2 | Late, shift||B2")).toMatchObject({ person: { groups: ["B2", "Late, shift"] } });
    const many = Array.from({ length: 21 }, (_, at) => `G${at}`).join("|");
    expect(groups(many)).toMatchObject({ problem: "groups: has more than 20 names" });
    expect(groups(`B2|${"x".repeat(201)}`)).toMatchObject({
      problem: "groups: has a name of more than 200 characters",
    });
  });

  it("says nothing by a field that is empty", () => {
    expect(read("ada@school.example", "Ada")).toEqual({
      line: 2,
      email: "ada@school.example",
      person: { email: "ada@school.example", name: "Ada" },
    });
  });

  it("takes a formula for the name it stands for", () => {
    expect(read("ada@school.example", '=HYPERLINK("http://x","y")')).toMatchObject({
      person: { name: '=HYPERLINK("http://x","y")' },
    });
  });

  it.each([
    [["", "Ada"], null, /^email: is not/],
    [["ada", "Ada"], "ada", /^email: is not/],
    [["ada@school.example", ""], "ada@school.example", /^name: is empty$/],
    [["ada@school.example", "Ada\nLovelace"], "ada@school.example", /^name: /],
    [["ada@school.example", "x".repeat(10_000_000)], "ada@school.example", /^name: has at most 200 characters$/],
    [["x".repeat(10_000_000), "Ada"], "x".repeat(254), /^email: has at most 254 characters$/],
    [["ada@school.example", "Ada", "HEAD"], "ada@school.example", /^role: is none of STUDENT, INSTRUCTOR, ADMIN$/],
    [["ada@school.example", "Ada", "", "fr"], "ada@school.example", /^locale: is none of en, de$/],
    [["ada@school.example", "Ada", "", "", "half"], "ada@school.example", /^extra_time_percent: is no whole number/],
    [["ada@school.example", "Ada", "", "", "-5"], "ada@school.example", /^extra_time_percent: is no whole number/],
    [["ada@school.example", "Ada", "", "", "401"], "ada@school.example", /^extra_time_percent: is above 400$/],
    [["ada", "", "", "fr"], "ada", /^email: .*; name: .*; locale: /],
  ])("is refused with every field that is wrong (%#)", (fields, email, problem) => {
    expect(read(...fields)).toEqual({ line: 2, email, problem: expect.stringMatching(problem) });
  });

  it("is refused when its person was in the file before, however the address is written", () => {
    const understand = personRows(["email", "name"]);
    const row = (line: number, email: string, name: string) => understand({ line, fields: [email, name] });
    expect(row(2, "ada@school.example", "")).toHaveProperty("problem");
    expect(row(3, "ada@school.example", "Ada")).toHaveProperty("person");
    expect(row(4, "ADA@school.example ", "Ada")).toEqual({
      line: 4,
      email: "ada@school.example",
      problem: "The address is in line 3 already.",
    });
  });
});
