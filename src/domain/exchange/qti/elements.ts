import type { Decimal } from "decimal.js";
import { QuestionProblem } from "../fileProblem.ts";
import { xmlText } from "../xmlElements.ts";

export type QtiVersion = "2.1" | "2.2" | "3.0";
/** Of items and tests. */
export const NAMESPACES: Readonly<Record<QtiVersion, string>> = {
  "2.1": "http://www.imsglobal.org/xsd/imsqti_v2p1",
  "2.2": "http://www.imsglobal.org/xsd/imsqti_v2p2",
  "3.0": "http://www.imsglobal.org/xsd/imsqtiasi_v3p0",
};

type Attributes = Record<string, string | number | boolean | undefined>;

/** Writes elements of QTI by their names in version 2, in the names of the version. */
export type Elements = (name: string, attributes?: Attributes, ...children: string[]) => string;

const kebabCase = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** White space that is not a blank would be read as one. */
const attributeText = (text: string) =>
  xmlText(text).replaceAll('"', "&quot;").replaceAll("\t", "&#9;").replaceAll("\n", "&#10;");

const xmlAttributes = (attributes: Attributes) =>
  Object.entries(attributes)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}="${attributeText(String(value))}"`)
    .join("");

/** An element whose names are the same in all versions. */
export const element = (name: string, attributes: Attributes = {}, ...children: string[]) =>
  `<${name}${xmlAttributes(attributes)}${children.length > 0 ? `>${children.join("")}</${name}>` : "/>"}`;

export const elementsFor = (version: QtiVersion): Elements =>
  version !== "3.0"
    ? element
    : (name, attributes = {}, ...children) => {
        const renamed = Object.entries(attributes).map(([key, value]) => [
          key.includes(":") ? key : kebabCase(key),
          value,
        ]);
        return element(`qti-${kebabCase(name)}`, Object.fromEntries(renamed), ...children);
      };

const MAX_DIGITS = 60;

/** A number without an exponent. @throws QuestionProblem if it has more digits than are read again */
export function decimalText(number: Decimal): string {
  if (number.precision(true) > MAX_DIGITS || number.decimalPlaces() > MAX_DIGITS)
    throw new QuestionProblem("A number of the question has too many digits.");
  return number.toFixed();
}
