/** Figures in few characters, for a terminal: about six, however large. */

const steps = ["", "k", "M", "G", "T", "P"] as const;

/** 12, 3.4, 99999, 123k, 4.6M. */
export function count(value: number): string {
  if (value < 100_000) return String(Number.isInteger(value) ? value : Number(value.toFixed(value < 100 ? 1 : 0)));
  let step = 0;
  let rest = value;
  while (rest >= 999.5 && step < steps.length - 1) {
    rest /= 1_000;
    step++;
  }
  return `${rest < 10 ? rest.toFixed(1) : Math.round(rest)}${steps[step]}`;
}

/** 0.3 ms, 140 ms, 1.8 s, 95 s, 3 min. */
export function duration(ms: number): string {
  if (ms < 10 && !Number.isInteger(ms)) return `${ms.toFixed(1)} ms`;
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 10_000) return `${(ms / 1_000).toFixed(1)} s`;
  return age(ms / 1_000);
}

/** 4 s, 119 s, 99 min, 1.7 h, 12 d; a dash where there is none. */
export function age(seconds: number | null): string {
  if (seconds === null) return "-";
  if (seconds < 120) return `${Math.floor(seconds)} s`;
  if (seconds < 6_000) return `${Math.floor(seconds / 60)} min`;
  const hours = seconds / 3_600;
  if (hours < 48) return `${hours < 10 ? hours.toFixed(1) : Math.floor(hours)} h`;
  return `${count(Math.floor(hours / 24))} d`;
}

/** 3.0 MB, 1.5 GB, with 1,024 to a step, as Redis counts. */
export function bytes(value: number): string {
  const isLarge = value >= 1_024 ** 3;
  return `${(value / 1_024 ** (isLarge ? 3 : 2)).toFixed(1)} ${isLarge ? "GB" : "MB"}`;
}

/** 93.1 %. */
export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
