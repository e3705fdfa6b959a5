import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { cueTimeMs, cueTimeText } from "../../../src/domain/captions/cueTime.ts";
import { srtToWebVtt } from "../../../src/domain/captions/srt.ts";
import { readWebVtt } from "../../../src/domain/captions/webVtt.ts";

const problemsOf = (text: string) => srtToWebVtt(text).problems.map(({ line, message }) => `${line}: ${message}`);
const cue = (text: string) => `1\n00:00:01,000 --> 00:00:04,000\n${text}\n`;
const converted = (text: string) => srtToWebVtt(cue(text)).vtt?.split("\n").slice(3, -1).join("\n");

describe("a SubRip file", () => {
  it("becomes WebVTT", () => {
    const srt =
      "\uFEFF1\r\n00:00:01,000 --> 00:00:04,250\r\nHello,\r\nworld.\r\n\r\n2\r\n01:02:03,4 --> 01:02:05,67\r\nBye.\r\n";
    expect(srtToWebVtt(srt)).toEqual({
      vtt: "WEBVTT\n\n00:00:01.000 --> 00:00:04.250\nHello,\nworld.\n\n01:02:03.400 --> 01:02:05.670\nBye.\n",
      problems: [],
    });
  });

  it.each([
    ["points for commas and no numbers", "00:00:01.000 --> 00:00:04.000\nA\n\n00:00:05.000 --> 00:00:06.000\nB"],
    [
      "places on the screen",
      "1\n00:00:01,000 --> 00:00:04,000  X1:10 X2:20 Y1:1 Y2:2\nA\n\n2\n00:00:05,000 --> 00:00:06,000\nB",
    ],
    ["empty lines around", "\n\n1\n00:00:01,000 --> 00:00:04,000\n\nA\n\n\n\n2\n00:00:05,000 --> 00:00:06,000\nB\n\n"],
    [
      "a cue without a text",
      "1\n00:00:01,000 --> 00:00:04,000\nA\n\n2\n00:00:04,000 --> 00:00:05,000\n\n3\n00:00:05,000 --> 00:00:06,000\nB",
    ],
  ])("may have %s", (_what, srt) => {
    expect(srtToWebVtt(srt).vtt).toBe(
      "WEBVTT\n\n00:00:01.000 --> 00:00:04.000\nA\n\n00:00:05.000 --> 00:00:06.000\nB\n",
    );
  });

  it.each([
    ["bold, italic and underlined", "<B>a</B> <i>b</i> <u>c</u>", "<b>a</b> <i>b</i> <u>c</u>"],
    ["no fonts and overrides", '{\\an8}<font color="red">a</font>', "a"],
    ["what would be markup as text", "1 < 2 & <script>x</script>", "1 &lt; 2 &amp; &lt;script&gt;x&lt;/script&gt;"],
    ["what is escaped already", "R&amp;D &lt;3", "R&amp;D &lt;3"],
    ["a text over an empty line", "first\n \nsecond", "first\nsecond"],
    ["a number in the text", "call\n112", "call\n112"],
  ])("keeps %s", (_what, text, expected) => {
    expect(converted(text)).toBe(expected);
  });

  it.each([
    ["is empty", "", ["1: The file holds no cue."]],
    ["is prose", "Dear Ada,\nhello.", ["1: This is no cue: a time such as 00:00:01,000 --> 00:00:04,000 is missing."]],
    [
      "is WebVTT",
      "WEBVTT\n\n1\n00:00:01.000 --> 00:00:02.000\nA",
      ["1: This is no cue: a time such as 00:00:01,000 --> 00:00:04,000 is missing."],
    ],
    [
      "has a broken time",
      `${cue("A")}\n2\n00:00:05,000 --> soon\nB`,
      ["6: This is not a time such as 00:00:01,000 --> 00:00:04,000."],
    ],
    [
      "ends a cue before its beginning",
      "1\n00:00:04,000 --> 00:00:01,000\nA",
      ["2: The cue does not end after its beginning."],
    ],
    [
      "has no empty line between cues",
      `${cue("A")}2\n00:00:05,000 --> 00:00:06,000\nB`,
      ["4: An empty line is missing above this cue."],
    ],
  ])("that %s is refused, naming the line", (_what, srt, problems) => {
    expect(problemsOf(srt)).toEqual(problems);
  });

  it("loses no cue, no time and no word on the way", () => {
    const word = fc.stringMatching(/^[h-tv-zäöü&<>'"-]{1,8}$/).filter((text) => !/-->|<\/?i>|&[lg]t;/.test(text));
    const aCue = fc.record({
      from: fc.integer({ min: 0, max: 350_000_000 }),
      length: fc.integer({ min: 1, max: 10_000 }),
      lines: fc.array(word, { minLength: 1, maxLength: 3 }),
    });
    fc.assert(
      fc.property(fc.array(aCue, { minLength: 1 }), fc.constantFrom("\n", "\r\n", "\r"), (cues, ending) => {
        const srtTime = (ms: number) => cueTimeText(ms).replace(".", ",");
        const srt = cues
          .map(
            ({ from, length, lines }, i) =>
              `${i + 1}\n${srtTime(from)} --> ${srtTime(from + length)}\n${lines.join("\n")}\n`,
          )
          .join("\n")
          .replaceAll("\n", ending);
        const { vtt } = srtToWebVtt(srt);
        const shown = vtt!
          .split("\n\n")
          .slice(1)
          .map((block) => block.trimEnd().split("\n"));
        const escaped = (text: string) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
        expect(shown).toEqual(
          cues.map(({ from, length, lines }) => [
            `${cueTimeText(from)} --> ${cueTimeText(from + length)}`,
            ...lines.map(escaped),
          ]),
        );
      }),
    );
  });

  it("loses white space at the end of a line, which nobody sees", () => {
    expect(srtToWebVtt("00:00:01,000 --> 00:00:02,000\nHello \nyou\t").vtt).toBe(
      "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nHello\nyou\n",
    );
  });

  it("is read whatever it holds: made into WebVTT that is right, or refused with a line that it has", () => {
    const line = fc.oneof(
      fc.constantFrom(
        "",
        " ",
        "1",
        "2",
        "00:00:01,000 --> 00:00:02,000",
        "00:00:02,000 --> 00:00:01,000",
        "a --> b",
        "NOTE",
        "STYLE",
        "<i>",
      ),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const text = lines.join("\n");
        const { vtt, problems } = srtToWebVtt(text);
        if (vtt !== null) expect(readWebVtt(vtt)).toEqual({ vtt, problems: [] });
        else expect(problems.length).toBeGreaterThan(0);
        const count = text.split(/\r\n|\r|\n/).length;
        for (const problem of problems) expect(problem.line).toBeLessThanOrEqual(count);
      }),
    );
  });
});

describe("the time of a cue", () => {
  it("is the same when it is written and read again", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 35_000_000_000 }), (ms) => {
        const parts = /^(\d+):(\d+):(\d+)\.(\d+)$/.exec(cueTimeText(ms))!;
        expect(cueTimeMs(...parts.slice(1))).toBe(ms);
      }),
    );
  });
});
