import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { prettyFactory } from "pino-pretty";

const COLOURS = [36, 33, 35, 32, 34];
const WIDTH = 8;

/** Puts the lines of several programs into one stream that a person can read, each with its program's name. */
export function createLineView(output: Writable & { isTTY?: boolean }) {
  const isColoured = output.isTTY === true && !process.env.NO_COLOR;
  const pretty = prettyFactory({
    colorize: isColoured,
    singleLine: true,
    translateTime: "SYS:HH:MM:ss",
    ignore: "pid,hostname,program",
  });
  const labels = new Map<string, string>();

  function labelOf(program: string): string {
    const known = labels.get(program);
    if (known) return known;
    const text = `${program.padEnd(WIDTH)}| `;
    const label = isColoured ? `\u001b[${COLOURS[labels.size % COLOURS.length]}m${text}\u001b[0m` : text;
    labels.set(program, label);
    return label;
  }

  function show(program: string, line: string): void {
    if (line.trim() !== "") output.write(`${labelOf(program)}${line}\n`);
  }

  return {
    show,
    /** Shows everything a program writes; log lines in JSON are made readable, others stay as they are. */
    follow(program: string, stream: Readable): void {
      createInterface({ input: stream }).on("line", (line) => {
        const text = line.startsWith("{") ? (pretty(line) ?? "") : line;
        for (const part of text.trimEnd().split("\n")) show(program, part);
      });
    },
  };
}

export type LineView = ReturnType<typeof createLineView>;
