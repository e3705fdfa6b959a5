const words = (text: string) => text.split(" ");

/** What a text may be made of: structure, tables, lists, emphasis, images, code, and the presentation elements of MathML. */
export const ALLOWED_TAGS: readonly string[] = [
  ...words("p div span br wbr hr h1 h2 h3 h4 h5 h6 section article aside header footer main blockquote pre address"),
  ...words("ul ol li dl dt dd table caption colgroup col thead tbody tfoot tr th td figure figcaption details summary"),
  ...words(
    "a img b strong i em u s strike del ins mark small big sub sup tt code kbd samp var cite q abbr acronym dfn time",
  ),
  ...words(
    "bdi bdo ruby rt rp center math semantics annotation mrow mi mn mo ms mtext mspace mfrac msqrt mroot mstyle",
  ),
  ...words(
    "merror mpadded mphantom mfenced menclose msub msup msubsup munder mover munderover mmultiscripts mprescripts",
  ),
  ...words("none mtable mtr mtd mlabeledtr"),
];

const CELL = words("colspan rowspan headers scope abbr align valign");
const MATH_SPACING = words("width height depth lspace rspace voffset linebreak");

/** Besides `EVERYWHERE`. There is no `style`, no `id` or `name` (they could stand in for a page's own), and nothing that runs. */
const ATTRIBUTES: Readonly<Record<string, readonly string[]>> = {
  a: words("href hreflang rel"),
  img: words("src alt width height"),
  ol: words("start type reversed"),
  li: ["value"],
  td: CELL,
  th: CELL,
  col: ["span"],
  colgroup: ["span"],
  blockquote: ["cite"],
  q: ["cite"],
  del: words("cite datetime"),
  ins: words("cite datetime"),
  time: ["datetime"],
  details: ["open"],
  math: words("display xmlns alttext"),
  annotation: ["encoding"],
  mo: words("form fence separator stretchy symmetric maxsize minsize largeop movablelimits accent lspace rspace"),
  mspace: MATH_SPACING,
  mpadded: MATH_SPACING,
  mfrac: words("linethickness bevelled"),
  mfenced: words("open close separators"),
  menclose: ["notation"],
  ms: words("lquote rquote"),
  mover: ["accent"],
  munder: ["accentunder"],
  munderover: words("accent accentunder"),
  mtable: words("columnalign rowalign columnlines rowlines columnspacing rowspacing frame width"),
  mtr: words("columnalign rowalign"),
  mtd: words("columnalign rowalign columnspan rowspan"),
};
const EVERYWHERE = words("class lang dir title");
const IN_MATH = words("mathvariant mathsize mathcolor mathbackground displaystyle scriptlevel");

/** Attributes by tag, in the form of sanitize-html. */
export const ALLOWED_ATTRIBUTES: Record<string, string[]> = Object.fromEntries(
  ALLOWED_TAGS.map((tag) => [
    tag,
    [
      ...EVERYWHERE,
      ...(ATTRIBUTES[tag] ?? []),
      ...(/^m[a-z]+$|^none$/.test(tag) && tag !== "main" && tag !== "mark" ? IN_MATH : []),
    ],
  ]),
);

/** Those whose value is an address. */
export const ADDRESSES: ReadonlySet<string> = new Set(["href", "src", "cite"]);

/** Names of styles, and no more: what somebody's style sheet makes of them is theirs. */
export const isSafeClass = (value: string): boolean => /^[\w\s-]*$/.test(value);

const LINK_SCHEMES = new Set(["http", "https", "mailto"]);
const IMAGE_SCHEMES = new Set(["http", "https"]);
const IMAGE_DATA = /^data:image\/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]*$/i;

/** What browsers pass over in an address, or some of them. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const PASSED_OVER = /[\x00-\x20\x7f-\xa0\u200b-\u200f\u2028\u2029\ufeff]+/g;

/**
 * Whether an address may be followed, or shown as an image. One without a scheme may: imports leave what refers to files, as
 * `@@PLUGINFILE@@/a.png` of Moodle or `images/a.png` of a package. SVG as data may hold scripts.
 */
export function isSafeAddress(address: string, use: "link" | "image"): boolean {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(address.replace(PASSED_OVER, ""))?.[1];
  if (scheme === undefined) return true;
  if (use === "link") return LINK_SCHEMES.has(scheme.toLowerCase());
  return IMAGE_SCHEMES.has(scheme.toLowerCase()) || IMAGE_DATA.test(address.trim());
}
