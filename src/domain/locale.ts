/** The languages that mails are written in. */
export const LOCALES = ["en", "de"] as const;

export type Locale = (typeof LOCALES)[number];

export const isLocale = (text: string): text is Locale => LOCALES.some((locale) => locale === text);
