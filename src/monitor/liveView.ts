import type { ReadStream, WriteStream } from "node:tty";

const esc = "\u001b[";
const enter = `${esc}?1049h${esc}?25l`;
const leave = `${esc}?25h${esc}?1049l`;

/**
 * Draws `frame(width)` in place on a terminal until the signal is aborted; `q` and Ctrl-C call `quit`.
 * Gives the terminal back as it was.
 */
export async function liveView({
  input,
  output,
  frame,
  everyMs,
  signal,
  quit,
}: {
  input: ReadStream;
  output: WriteStream;
  frame: (width: number) => Promise<string>;
  everyMs: number;
  signal: AbortSignal;
  quit: () => void;
}): Promise<void> {
  let wake = () => {};
  const onKey = (key: Buffer) => {
    if (["q", "Q", "\u0003"].includes(key.toString())) quit();
  };
  const onResize = () => wake();
  signal.addEventListener("abort", () => wake(), { once: true });
  output.write(enter);
  output.on("resize", onResize);
  input.setRawMode?.(true);
  input.on("data", onKey);
  try {
    while (!signal.aborted) {
      const text = await frame(output.columns || 80);
      if (signal.aborted) break;
      const lines = text.split("\n").slice(0, output.rows || 24);
      // Drawn as one, so that no half frame is seen; each line ends with "erase the rest", the frame with "erase below".
      output.write(`${esc}?2026h${esc}H${lines.map((line) => `${line}${esc}K`).join("\r\n")}${esc}J${esc}?2026l`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, everyMs);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  } finally {
    input.off("data", onKey);
    input.setRawMode?.(false);
    input.pause();
    output.off("resize", onResize);
    output.write(leave);
  }
}
