/** The first and the last bytes of a file, END_BYTES each; of a small file the same. */
export interface FileEnds {
  head: Buffer;
  tail: Buffer;
}

export const END_BYTES = 65_536;

/** A kind of file whose content can be told. */
interface FileKind {
  /** As HTTP names it. */
  type: string;
  endings: readonly string[];
  fits(ends: FileEnds): boolean;
}

const begins =
  (...marks: string[]) =>
  ({ head }: FileEnds): boolean =>
    marks.some((mark) => latin1(head, 0, mark.length) === mark);
const latin1 = (bytes: Buffer, start: number, end: number): string => bytes.toString("latin1", start, end);

const isZip = begins("PK\x03\x04", "PK\x05\x06");
/** The names of the files within a zip stand as they are before each file, and once more at the end. */
const zipWith =
  (name: string) =>
  (ends: FileEnds): boolean =>
    isZip(ends) && (ends.head.includes(name) || ends.tail.includes(name));
const openDocument = zipWith("META-INF/manifest.xml");
const oldOffice = begins("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1");

/** UTF-16 tells by its first bytes; every other encoding of text has no control characters but those of lines and terminals. */
const isText = ({ head, tail }: FileEnds): boolean =>
  begins("\xff\xfe", "\xfe\xff")({ head, tail }) ||
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what no text has
  [head, tail].every((part) => !/[\0-\x08\x0e-\x1a\x1c-\x1f]/.test(part.toString("latin1")));

const OPEN_XML = "application/vnd.openxmlformats-officedocument";
const OPEN_DOCUMENT = "application/vnd.oasis.opendocument";

/** What is a kind of something else stands before it. */
const KINDS: readonly FileKind[] = [
  { type: "application/pdf", endings: [".pdf"], fits: ({ head }) => head.subarray(0, 1_024).includes("%PDF-") },
  { type: "image/png", endings: [".png"], fits: begins("\x89PNG\r\n\x1a\n") },
  { type: "image/jpeg", endings: [".jpg", ".jpeg"], fits: begins("\xff\xd8\xff") },
  { type: "image/gif", endings: [".gif"], fits: begins("GIF87a", "GIF89a") },
  {
    type: "image/webp",
    endings: [".webp"],
    fits: ({ head }) => latin1(head, 0, 4) === "RIFF" && latin1(head, 8, 12) === "WEBP",
  },
  {
    type: "image/heic",
    endings: [".heic", ".heif"],
    fits: ({ head }) => /^ftyp(hei|hev|mif1|msf1)/.test(latin1(head, 4, 12)),
  },
  { type: `${OPEN_XML}.wordprocessingml.document`, endings: [".docx"], fits: zipWith("word/") },
  { type: `${OPEN_XML}.spreadsheetml.sheet`, endings: [".xlsx"], fits: zipWith("xl/") },
  { type: `${OPEN_XML}.presentationml.presentation`, endings: [".pptx"], fits: zipWith("ppt/") },
  { type: `${OPEN_DOCUMENT}.text`, endings: [".odt"], fits: openDocument },
  { type: `${OPEN_DOCUMENT}.spreadsheet`, endings: [".ods"], fits: openDocument },
  { type: `${OPEN_DOCUMENT}.presentation`, endings: [".odp"], fits: openDocument },
  { type: "application/zip", endings: [".zip"], fits: isZip },
  { type: "application/msword", endings: [".doc"], fits: oldOffice },
  { type: "application/vnd.ms-excel", endings: [".xls"], fits: oldOffice },
  { type: "application/vnd.ms-powerpoint", endings: [".ppt"], fits: oldOffice },
  { type: "application/rtf", endings: [".rtf"], fits: begins("{\\rtf") },
  { type: "text/plain", endings: [".txt"], fits: isText },
  { type: "text/csv", endings: [".csv"], fits: isText },
  { type: "text/markdown", endings: [".md"], fits: isText },
];

const ENDING = /^\.[a-z0-9][a-z0-9_+-]{0,15}$/;

/** Of a file's name, in small letters with its dot; empty where there is none. */
const endingOf = (fileName: string): string => /\.[^.\s/\\]+$/.exec(fileName)?.[0].toLowerCase() ?? "";

const hasType = (kind: FileKind, type: string): boolean =>
  type.endsWith("/*") ? kind.type.startsWith(type.slice(0, -1)) : kind.type === type;

/**
 * What a list of accepted files says, in one spelling: an ending such as `.pdf`, or a type whose files can be told, such as `image/*`.
 * Null for what is neither.
 */
export function acceptedKind(given: string): string | null {
  const kind = given.trim().toLowerCase();
  if (kind.includes("/")) return KINDS.some((known) => hasType(known, kind)) ? kind : null;
  const ending = kind.startsWith(".") ? kind : `.${kind}`;
  return ENDING.test(ending) ? ending : null;
}

/** The types of files that an entry of such a list means; none for an ending that is not known. */
export const typesOf = (accepted: string): string[] =>
  KINDS.filter((kind) => hasType(kind, accepted) || kind.endings.includes(accepted)).map(({ type }) => type);

/** Whether a file of this name is one of those. */
export function isAcceptedName(accept: readonly string[], fileName: string): boolean {
  const ending = endingOf(fileName);
  const kind = KINDS.find(({ endings }) => endings.includes(ending));
  return accept.some((entry) => entry === ending || (kind !== undefined && hasType(kind, entry)));
}

/**
 * What a file is, by its content; null if that is not what its name says. An ending that is not known says nothing,
 * so such a file may hold anything.
 */
export function contentTypeBy(fileName: string, ends: FileEnds): string | null {
  const ending = endingOf(fileName);
  const named = KINDS.find(({ endings }) => endings.includes(ending));
  if (named) return named.fits(ends) ? named.type : null;
  return KINDS.find(({ fits }) => fits(ends))?.type ?? "application/octet-stream";
}
