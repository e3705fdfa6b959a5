/**
 * How dear an expression of RE2 is, from a look at its source alone: never fewer than the instructions it would be compiled to, with all
 * repetitions written out, and for large sets of characters as much as making them costs. A step takes about a microsecond to compile.
 * Takes time in proportion to the source. What is no expression gets some number; that it is none is for the compiler to say.
 */
export function regexSteps(source: string): number {
  const groups: Sequence[] = [new Sequence()];
  let sets = 0;
  for (let at = 0; at < source.length; ) {
    const inside = groups.at(-1)!;
    const [token, kind] = tokenAt(source, at);
    at += token.length;
    switch (kind) {
      case "set":
        sets += UNICODE_SET_STEPS;
        inside.add(UNICODE_SET_WEIGHT);
        break;
      case "class": {
        const set = setAt(source, at);
        at = set.end;
        sets += set.steps;
        inside.add(set.hasUnicodeSet ? UNICODE_SET_WEIGHT : 1);
        break;
      }
      case "quoted":
        for (let count = [...token.slice(2).replace(/\\E$/, "")].length; count > 0; count--) inside.add(1);
        break;
      case "open":
        groups.push(new Sequence());
        break;
      case "close":
        if (groups.length > 1) groups.at(-2)!.add(groups.pop()!.sum() + GROUP_STEPS);
        break;
      case "repeated":
        inside.repeat(token);
        break;
      case "flags":
        break;
      default:
        inside.add(kind === "or" ? OR_STEPS : 1);
    }
  }
  return FRAME_STEPS + sets + groups.reduce((sum, group) => sum + group.sum(), 0);
}

/** Both ends of the program, and one for an expression that is empty. */
const FRAME_STEPS = 3;
/** The two ends of what is captured, and one for a group that is empty. */
const GROUP_STEPS = 3;
/** The branching, and one for a branch that is empty. */
const OR_STEPS = 2;
/** Around what is repeated without a limit and may be empty. */
const LOOP_STEPS = 2;
/** A set such as `\p{L}` has hundreds of ranges. */
const UNICODE_SET_STEPS = 200;
/** Which may be copied for each time it is repeated. */
const UNICODE_SET_WEIGHT = 10;
/** RE2 takes no larger number. */
const MAX_REPEAT = 1_000;

/** What stands one after the other in a group; the last is what a repetition repeats. */
class Sequence {
  private before = 0;
  private last = 0;

  add(steps: number): void {
    this.before += this.last;
    this.last = steps;
  }

  repeat(token: string): void {
    const [least = 0, most = least] = (token.match(/\d+/g) ?? []).map((count) => Math.min(Number(count), MAX_REPEAT));
    this.last = Math.max(1, least, most) * this.last + Math.max(0, most - least) + LOOP_STEPS;
  }

  sum(): number {
    return this.before + this.last;
  }
}

/** What an expression is made of, tried in this order. Numbers with a leading zero repeat nothing in RE2. */
const TOKENS = {
  quoted: /\\Q.*?(?:\\E|$)/suy,
  set: /\\[pP](?:\{[^}]*\}|.)/suy,
  escaped: /\\x\{[^}]*\}|\\./suy,
  flags: /\(\?[imsU-]*\)/uy,
  open: /\(\?(?:P?<[^>]*>|[imsU-]*:)|\(/uy,
  close: /\)/uy,
  or: /\|/uy,
  class: /\[/uy,
  repeated: /[*+?]|\{(?:0|[1-9]\d*)(?:,(?:0|[1-9]\d*)?)?\}/uy,
  character: /./suy,
};

function tokenAt(source: string, at: number): [token: string, kind: keyof typeof TOKENS] {
  for (const [kind, pattern] of Object.entries(TOKENS)) {
    pattern.lastIndex = at;
    const [token] = pattern.exec(source) ?? [];
    if (token !== undefined) return [token, kind as keyof typeof TOKENS];
  }
  throw new Error("there is a character at every place");
}

const CHARACTER = String.raw`\\x\{[^}]*\}|\\x[\dA-Fa-f]{2}|\\[0-7]{1,3}|\\.|.`;
const SET_MEMBER = new RegExp(
  String.raw`(\\[pP](?:\{[^}]*\}|.))|\[:.*?:\]|\\[dDsSwW]|(${CHARACTER})(?:-(?!\])(${CHARACTER}))?`,
  "suy",
);

/** Of a set in brackets whose members begin at `at`; a `]` as the first of them is a member. */
function setAt(source: string, at: number): { end: number; steps: number; hasUnicodeSet: boolean } {
  let [end, steps, hasUnicodeSet] = [source[at] === "^" ? at + 1 : at, 0, false];
  for (let isFirst = true; end < source.length && (isFirst || source[end] !== "]"); isFirst = false) {
    SET_MEMBER.lastIndex = end;
    const [member = " ", unicodeSet, from, to] = SET_MEMBER.exec(source) ?? [];
    end += member.length;
    hasUnicodeSet ||= unicodeSet !== undefined;
    steps += 1 + (unicodeSet ? UNICODE_SET_STEPS : from && to ? rangeSteps(codeOf(from), codeOf(to)) : 0);
  }
  return { end: end + 1, steps, hasUnicodeSet };
}

/** Characters below and above have no other case. */
const CASED = { from: 0x41, to: 0x1e943 };
/** So many characters are looked up in a step. */
const LOOKED_UP = 32;

/** Where case does not count, each character of a range is looked up, unless the range has all that have a case. */
function rangeSteps(from: number, to: number): number {
  if (from <= CASED.from && to >= CASED.to) return 0;
  return Math.max(0, Math.ceil((Math.min(to, CASED.to) - Math.max(from, CASED.from)) / LOOKED_UP));
}

function codeOf(character: string): number {
  const [, hex, octal] = /^\\(?:x\{?([\dA-Fa-f]+)\}?|([0-7]+))$/.exec(character) ?? [];
  if (hex !== undefined) return Number.parseInt(hex, 16);
  if (octal !== undefined) return Number.parseInt(octal, 8);
  return character.codePointAt(character.length > 1 && character.startsWith("\\") ? 1 : 0)!;
}
