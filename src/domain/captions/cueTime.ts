const MS = { hour: 3_600_000, minute: 60_000, second: 1_000 };

/** Milliseconds from the texts of hours, minutes, seconds and a fraction of a second. */
export const cueTimeMs = (hours = "0", minutes = "0", seconds = "0", fraction = ""): number =>
  Number(hours) * MS.hour + Number(minutes) * MS.minute + Number(seconds) * MS.second + Number(fraction.padEnd(3, "0"));

/** As WebVTT writes it: `00:01:02.500`. */
export function cueTimeText(ms: number): string {
  const part = (value: number, digits: number) => String(Math.floor(value)).padStart(digits, "0");
  const { hour, minute, second } = MS;
  return `${part(ms / hour, 2)}:${part((ms % hour) / minute, 2)}:${part((ms % minute) / second, 2)}.${part(ms % second, 3)}`;
}
