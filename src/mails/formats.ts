import type { Locale } from "../domain/locale.ts";

/** How templates write times and numbers, in the way of a language. Times are in UTC and say so: nobody's time zone is known. */
export function formatsOf(locale: Locale) {
  const time = new Intl.DateTimeFormat(locale, { dateStyle: "long", timeStyle: "short", timeZone: "UTC" });
  const count = new Intl.NumberFormat(locale);
  const unit = (of: "hour" | "day") => new Intl.NumberFormat(locale, { style: "unit", unit: of, unitDisplay: "long" });
  return {
    time: (date: Date) => `${time.format(date)} UTC`,
    count: (number: number) => count.format(number),
    /** A number of hours, in days where they are whole ones: "3 days", "1 Stunde". */
    duration: (hours: number) => (hours % 24 === 0 ? unit("day").format(hours / 24) : unit("hour").format(hours)),
  };
}
