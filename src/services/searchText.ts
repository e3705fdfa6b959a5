/** A pattern for ILIKE that finds the text anywhere, with the signs of patterns taken for what they are. */
export const containing = (text: string): string => `%${escaped(text)}%`;

/** For Prisma's `contains`, which puts the rest of the pattern around it but leaves the signs inside as they are. */
export const escaped = (text: string): string => text.replace(/[\\%_]/g, "\\$&");
