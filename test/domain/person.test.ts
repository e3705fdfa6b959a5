import { describe, expect, it } from "@jest/globals";
import { emailAddress, isOwnAddress, newPassword, normalAddress, personName } from "../../src/domain/person.ts";

const problemOf = (schema: typeof emailAddress | typeof personName | typeof newPassword, text: string) =>
  schema.safeParse(text).error?.issues[0]?.message;

describe("an e-mail address", () => {
  it.each([
    ["another case", "ada@school.example", " Ada@SCHOOL.example "],
    ["an accent in two characters", "jörg@schüle.example", "Jo\u0308rg@Schu\u0308le.example"],
    ["another alphabet throughout", "ада@школа.рф", "Ада@школа.рф"],
    ["signs that need no quotes", "o'brien+exam_1@mail.school.example", "O'Brien+exam_1@mail.school.example"],
  ])("has one spelling: %s", (_what, normal, typed) => {
    expect(emailAddress.parse(typed)).toBe(normal);
    expect(normalAddress(normal)).toBe(normal);
  });

  it.each([
    ["", "is not an e-mail address"],
    ["ada", "is not an e-mail address"],
    ["@school.example", "is not an e-mail address"],
    ["ada@school", "is not an e-mail address"],
    ["ada@school.example.", "is not an e-mail address"],
    ["ada@-school.example", "is not an e-mail address"],
    ["ada@192.0.2.1", "is not an e-mail address"],
    ["ada@[192.0.2.1]", "is not an e-mail address"],
    ["a..da@school.example", "is not an e-mail address"],
    [".ada@school.example", "is not an e-mail address"],
    ["Ada <ada@school.example>", "holds a space or a character that cannot be seen"],
    [`"a,da"@school.example`, "is not an e-mail address"],
    ["ada@school.example,eve@school.example", "has more than one @"],
    ["ada@school.example@evil.example", "has more than one @"],
    ["ada@school.example\r\nBcc: eve@school.example", "holds a space or a character that cannot be seen"],
    ["ada\u0000@school.example", "holds a space or a character that cannot be seen"],
    ["a\u200bda@school.example", "holds a space or a character that cannot be seen"],
    ["a\u202eda@school.example", "holds a space or a character that cannot be seen"],
    ["a\u00adda@school.example", "holds a space or a character that cannot be seen"],
    ["\u0430da@school.example", "mixes alphabets whose letters look alike"], // a Cyrillic а
    ["ada@sch\u03bfol.example", "mixes alphabets whose letters look alike"], // a Greek ο
    ["ａda@school.example", "holds a character that looks like another one"],
    ["ada@xn--mnchen-3ya.example", "has its domain in the coded form: write it as people read it"],
    ["ada＠school.example", "is not an e-mail address"],
    [`${"a".repeat(65)}@school.example`, "is not an e-mail address"],
    [`ada@${"school.".repeat(40)}example`, "has at most 254 characters"],
  ])("is not %j: %s", (typed, message) => {
    expect(problemOf(emailAddress, typed)).toBe(message);
  });
});

describe("a name", () => {
  it.each(["Ada", "李", "Nuño d'Écija-Smith Jr.", "می\u200cخواهم", "葛\u{e0100}城", "X Æ A-12", "أحمد"])(
    "may be %j",
    (name) => {
      expect(personName.parse(` ${name} `)).toBe(name.normalize("NFC"));
    },
  );

  it.each([
    ["", "is empty"],
    [" \u00a0\t ", "is empty"],
    ["Ada\nLovelace", "holds a character that cannot be seen"],
    ["Ada\u0007", "holds a character that cannot be seen"],
    ["\u202eadA", "holds a character that cannot be seen"],
    ["\u2067Ada", "holds a character that cannot be seen"],
    ["A\u200bda", "holds a character that cannot be seen"],
    ["\u3164", "holds a character that cannot be seen"], // a letter that nobody sees
    ["A\u{e0041}da", "holds a character that cannot be seen"],
    ["---", "needs a letter"],
    ["A".repeat(201), "has at most 200 characters"],
  ])("is not %j: %s", (name, message) => {
    expect(problemOf(personName, name)).toBe(message);
  });
});

describe("a password", () => {
  it.each(["correct horse battery staple", "exam-morning", "пароль из слов", "🦉🦆🦢🦩🦜🦚🐓🐧🐦🦅"])(
    "may be %j",
    (password) => {
      expect(newPassword.parse(password)).toBe(password);
    },
  );

  it.each([
    ["too short", "needs at least 10 characters"],
    ["x".repeat(201), "has at most 200 characters"],
    ["Password123", "is one of the first that somebody would try"],
    ["QWERTYUIOP", "is one of the first that somebody would try"],
    ["1212121212", "is one of the first that somebody would try"],
    ["aaaaaaaaaaaaaaaaaaaa", "is one of the first that somebody would try"],
  ])("is not %j: %s", (password, message) => {
    expect(problemOf(newPassword, password)).toBe(message);
  });

  it("is not the address it protects, nor the part before the @", () => {
    const address = "ada.lovelace@school.example";
    expect(isOwnAddress("Ada.Lovelace@School.example", address)).toBe(true);
    expect(isOwnAddress(" ada.lovelace ", address)).toBe(true);
    expect(isOwnAddress("ada.lovelace's secret", address)).toBe(false);
  });
});

it("is refused for its length before anything that takes long for megabytes looks at it", () => {
  const marks = "\u0344\u0327".repeat(4_000_000); // minutes to normalize
  expect(problemOf(emailAddress, marks)).toBe("has at most 254 characters");
  expect(problemOf(personName, marks)).toBe("has at most 200 characters");
  expect(problemOf(newPassword, marks)).toBe("has at most 200 characters");
  expect(normalAddress(marks)).toBe(marks);
});
