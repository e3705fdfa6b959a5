import type { ReadStream, WriteStream } from "node:tty";

const esc = "\u001b[";
const enter = `${esc}?1049h${esc}?25l`;
const leave = `${esc}?25h${esc}?1049l`;

/**
 * Reads again and again and draws in place on a terminal until the signal is aborted; `q` and Ctrl-C call `quit`.
 * A window that changes its size is drawn anew at once. Gives the terminal back as it was.
 */
export async function liveView<Figures>({
  input,
  output,
  read,
  draw,
  everyMs,
  signal,
  quit,
}: {
  input: ReadStream;
  output: WriteStream;
  read: () => Promise<Figures>;
  /** The lines, no wider than `width` and no more than `height`. */
  draw: (figures: Figures, width: number, height: number) => readonly string[];
  everyMs: number;
  signal: AbortSignal;
  quit: () => void;
}): Promise<void> {
  let shown: { figures: Figures } | undefined;
  const show = () => {
    if (!shown || signal.aborted) return;
    const lines = draw(shown.figures, output.columns || 80, output.rows || 24);
    // Drawn as one, so that no half frame is seen; each line ends with "erase the rest", the frame with "erase below".
    output.write(`${esc}?2026h${esc}H${lines.map((line) => `${line}${esc}K`).join("\r\n")}${esc}J${esc}?2026l`);
  };
  const onKey = (key: Buffer) => {
    if (["q", "Q", "\u0003"].includes(key.toString())) quit();
  };
  const stopped = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });

  output.write(enter);
  output.on("resize", show);
  input.setRawMode(true);
  input.on("data", onKey);
  try {
    while (!signal.aborted) {
      // Whoever wants to leave does not wait for an answer that is late.
      const figures = await Promise.race([read(), stopped]);
      if (figures === undefined) break;
      shown = { figures };
      show();
      await pause(everyMs, stopped);
    }
  } finally {
    input.off("data", onKey);
    input.setRawMode(false);
    input.pause();
    output.off("resize", show);
    output.write(leave);
  }
}

async function pause(ms: number, stopped: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([over, stopped]);
  clearTimeout(timer);
}
