/** Line breaks and everything else that is no character to be read, tabs among them. */
const BREAKS = /[\p{Cc}\u2028\u2029]+/gu;
/** Marks that change the direction of what follows them, to the end of the line and so beyond the text they are in. */
const OVERRIDES = /[\u202a-\u202e\u2066-\u2069]/gu;

/** The text as one line that leaves the words around it as they are. */
export const inOneLine = (text: string): string => text.replace(BREAKS, " ").replace(OVERRIDES, "").trim();
