import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { readWebVtt } from "../../../src/domain/captions/webVtt.ts";

const CUE = "00:01.000 --> 00:04.000\nHello.";
const problemsOf = (text: string) => readWebVtt(text).problems.map(({ line, message }) => `${line}: ${message}`);

describe("a WebVTT file", () => {
  it.each([
    ["with one cue", `WEBVTT\n\n${CUE}\n`],
    ["with a title and header lines", `WEBVTT - Lecture 1\nKind: captions\nLanguage: de\n\n${CUE}\n`],
    [
      "with comments, styles and regions",
      `WEBVTT\n\nNOTE by Ada\n\nSTYLE\n::cue { color: red }\n\nREGION\nid:a\n\n${CUE}\n`,
    ],
    [
      "with names, settings and hours",
      "WEBVTT\n\nintro\n00:00:01.000 --> 100:00:04.000 align:start line:0%\n<v Ada>Hi.\n",
    ],
    ["with a cue that says nothing", "WEBVTT\n\n00:01.000 --> 00:04.000\n"],
    ["whose cues overlap", `WEBVTT\n\n00:03.000 --> 00:05.000\nSecond\n\n${CUE}\n`],
  ])("%s is kept as it is", (_what, text) => {
    expect(readWebVtt(text)).toEqual({ vtt: text, problems: [] });
  });

  it("may end its lines as it likes and begin with a byte order mark", () => {
    const text = `\uFEFFWEBVTT\r\n\r\n${CUE.replace("\n", "\r")}\r\n\r\n\r\n`;
    expect(readWebVtt(text)).toEqual({ vtt: `WEBVTT\n\n${CUE}\n`, problems: [] });
  });

  it.each([
    ["is empty", "", ["1: A WebVTT file begins with the line WEBVTT."]],
    ["has another beginning", `WEBVTTX\n\n${CUE}`, ["1: A WebVTT file begins with the line WEBVTT."]],
    ["is SubRip", "1\n00:00:01,000 --> 00:00:04,000\nHello.", ["1: A WebVTT file begins with the line WEBVTT."]],
    ["holds no cue", "WEBVTT\n\nNOTE later\n", ["4: The file holds no cue."]],
    [
      "has no empty line below its header",
      `WEBVTT\n${CUE}`,
      ["2: An empty line is missing above this cue.", "3: The file holds no cue."],
    ],
    [
      "has no empty line between cues",
      `WEBVTT\n\n${CUE}\n00:05.000 --> 00:06.000\nBye.`,
      ["5: An empty line is missing above this cue."],
    ],
    [
      "writes times with commas",
      "WEBVTT\n\n00:01,000 --> 00:04,000\nHello.",
      ["3: This is not a time such as 00:01.000 --> 00:04.000."],
    ],
    [
      "has 61 seconds",
      "WEBVTT\n\n00:61.000 --> 01:04.000\nA",
      ["3: This is not a time such as 00:01.000 --> 00:04.000."],
    ],
    [
      "ends a cue before its beginning",
      "WEBVTT\n\nname\n00:04.000 --> 00:04.000\nA",
      ["4: The cue does not end after its beginning."],
    ],
    [
      "knows other settings",
      `WEBVTT\n\n00:01.000 --> 00:04.000 align:start colour:red\nA`,
      ['3: "colour:red" is no setting of a cue.'],
    ],
    [
      "has text without a time",
      `WEBVTT\n\n${CUE}\n\nAnd more.\n`,
      ["6: This is no cue: a time such as 00:01.000 --> 00:04.000 is missing."],
    ],
    [
      "has styles below a cue",
      `WEBVTT\n\n${CUE}\n\nSTYLE\n::cue {}\n`,
      ["6: A STYLE block stands above the first cue."],
    ],
    [
      "has a comment that runs into a cue",
      `WEBVTT\n\nNOTE by Ada\n${CUE}\n\n${CUE}`,
      ['4: "-->" ends what is not a cue: an empty line is missing above it.'],
    ],
  ])("that %s is refused, naming the line", (_what, text, problems) => {
    expect(problemsOf(text)).toEqual(problems);
  });

  it("is told its first twenty problems in the order of its lines", () => {
    const text = `WEBVTT\n\n${"nonsense\n\n".repeat(50)}`;
    const lines = readWebVtt(text).problems.map(({ line }) => line);
    expect(lines).toHaveLength(20);
    expect(lines).toEqual([...lines].sort((a, b) => a - b));
  });

  it("is read whatever it holds: kept alike when read again, or refused with a line that it has", () => {
    const line = fc.oneof(
      fc.constantFrom(
        "",
        "WEBVTT",
        "NOTE x",
        "STYLE",
        "name",
        "00:01.000 --> 00:02.000",
        "00:01.000 -->",
        "--> x",
        "1",
      ),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(line), fc.boolean(), (lines, isSigned) => {
        const text = [...(isSigned ? ["WEBVTT", ""] : []), ...lines].join("\n");
        const { vtt, problems } = readWebVtt(text);
        if (vtt !== null) expect(readWebVtt(vtt)).toEqual({ vtt, problems: [] });
        else expect(problems.length).toBeGreaterThan(0);
        const count = text.split(/\r\n|\r|\n/).length;
        for (const problem of problems) {
          expect(problem.line).toBeGreaterThanOrEqual(1);
          expect(problem.line).toBeLessThanOrEqual(count);
        }
      }),
    );
  });
});
