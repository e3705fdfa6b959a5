import { childNamed, childrenNamed, descendants, type XmlNode } from "./xmlTree.ts";

const WEEK_MINUTES = 10_080;

/** How long a test may take, in minutes; null where it does not say. What an exam cannot keep of its limits goes to `lost`. */
export function durationOf(test: XmlNode, lost: string[]): number | null {
  const parts = childrenNamed(test, "testPart");
  const limits = [...descendants(test)].filter(({ name }) => name === "timeLimits");
  // What limits the only part limits the test.
  const whole =
    childNamed(test, "timeLimits") ?? (parts.length === 1 ? childNamed(parts[0]!, "timeLimits") : undefined);
  const others = limits.filter((limit) => limit !== whole).length;
  if (others > 0)
    lost.push(`Lost: time limits of parts, sections or items (${others}); only the exam as a whole has one.`);
  if (limits.some(({ attributes }) => Number(attributes.minTime ?? 0) > 0))
    lost.push("Lost: the least time that has to be spent (minTime).");
  if (limits.some(({ attributes }) => attributes.allowLateSubmission === "true"))
    lost.push("Lost: that what comes late is taken too (allowLateSubmission).");
  return whole ? minutesOf(whole, lost) : null;
}

function minutesOf({ attributes: { maxTime } }: XmlNode, lost: string[]): number | null {
  if (maxTime === undefined) return null;
  const seconds = Number(maxTime);
  if (maxTime.trim() === "" || !(seconds > 0)) {
    lost.push(`Its time limit of "${maxTime.slice(0, 20)}" seconds is none, and is left out.`);
    return null;
  }
  const minutes = Math.min(Math.ceil(seconds / 60), WEEK_MINUTES);
  if (minutes * 60 !== seconds)
    lost.push(`Its time limit of ${maxTime.slice(0, 20)} seconds becomes ${minutes} minutes.`);
  return minutes;
}
