import { describe, expect, it } from "@jest/globals";
import { contentTypeBy, isAcceptedName } from "../../src/domain/fileKinds.ts";

const content = (text: string) => {
  const bytes = Buffer.from(text, "latin1");
  return { head: bytes, tail: bytes };
};
const PNG = "\x89PNG\r\n\x1a\n....";
const ZIP = "PK\x03\x04....";

describe("the content of a file", () => {
  it.each([
    ["a.pdf", "\n%PDF-1.7", "application/pdf"],
    ["a.PNG", PNG, "image/png"],
    ["a.jpeg", "\xff\xd8\xff\xe0", "image/jpeg"],
    ["a.gif", "GIF89a", "image/gif"],
    ["a.webp", "RIFF....WEBPVP8 ", "image/webp"],
    ["a.heic", "\0\0\0\x18ftypheic", "image/heic"],
    ["a.docx", `${ZIP}word/document.xml`, "application/vnd.openxmlformats-officedocument.wordprocessingml.document"],
    ["a.odt", `${ZIP}META-INF/manifest.xml`, "application/vnd.oasis.opendocument.text"],
    ["a.doc", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/msword"],
    ["a.txt", "Gr\xfc\xdfe\r\n", "text/plain"],
    ["a.csv", "\xff\xfea\0,\0", "text/csv"],
    ["a.py", "print(1)", "text/plain"],
    ["a.epub", ZIP, "application/zip"],
    ["a", "\0\x01", "application/octet-stream"],
  ])("is what %s says", (name, text, type) => {
    expect(contentTypeBy(name, content(text))).toBe(type);
  });

  it.each([
    ["a.pdf", PNG],
    ["a.png", "%PDF-1.7"],
    ["a.docx", ZIP],
    ["a.docx", `${ZIP}xl/workbook.xml`],
    ["a.odt", `${ZIP}word/document.xml`],
    ["a.webp", "RIFF....WAVE"],
    ["a.txt", "MZ\x90\0\x03"],
    ["a.jpg", "<html>"],
  ])("is not what %s says", (name, text) => {
    expect(contentTypeBy(name, content(text))).toBeNull();
  });

  it("is told by its end too", () => {
    const [head, tail] = [Buffer.from(ZIP, "latin1"), Buffer.from("…word/document.xml…")];
    expect(contentTypeBy("a.docx", { head, tail })).not.toBeNull();
    expect(contentTypeBy("a.txt", { head: Buffer.from("text"), tail: Buffer.from([0]) })).toBeNull();
  });
});

describe("the name of a file", () => {
  it.each([
    [[".pdf"], "Essay.final.PDF", true],
    [["application/pdf"], "a.pdf", true],
    [["image/*"], "a.jpg", true],
    [["image/*"], "a.pdf", false],
    [[".xyz"], "a.xyz", true],
    [[".pdf"], "a.pdf.exe", false],
    [[".pdf"], "pdf", false],
    [[".pdf"], "a.", false],
  ])("with %j accepted, %s is: %p", (accept, name, isAccepted) => {
    expect(isAcceptedName(accept, name)).toBe(isAccepted);
  });
});
