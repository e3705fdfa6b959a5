import { QuestionProblem } from "../fileProblem.ts";
import { childNamed, childrenNamed, descendants, textOf, type XmlNode } from "./xmlTree.ts";

export const MANIFEST = "imsmanifest.xml";

export interface Resource {
  identifier: string;
  kind: "item" | "test" | "section" | "other";
  type: string;
  /** From the top of the package. */
  path: string;
  tags: string[];
}

/** A path within the package; null for what leads out of it. */
export function pathFrom(folder: string, href: string): string | null {
  const parts: string[] = [];
  for (const part of `${folder}/${decoded(href)}`.split("/")) {
    if (part === "..") {
      if (parts.pop() === undefined) return null;
    } else if (part !== "" && part !== ".") parts.push(part);
  }
  return parts.join("/");
}

const decoded = (href: string): string => {
  try {
    return decodeURIComponent(href.replace(/[?#].*$/, ""));
  } catch {
    return href; // a per cent sign that stands for itself
  }
};

export const folderOf = (path: string) => path.split("/").slice(0, -1).join("/");

/** What a manifest lists, in its order. @throws QuestionProblem for what is no manifest */
export function resourcesOf(manifest: XmlNode): Resource[] {
  if (manifest.name !== "manifest")
    throw new QuestionProblem(`${MANIFEST} holds <${manifest.name.slice(0, 50)}> and no manifest.`);
  return childrenNamed(manifest, "resources").flatMap((resources) =>
    childrenNamed(resources, "resource").map((resource): Resource => {
      const {
        identifier = "",
        type = "",
        href = childNamed(resource, "file")?.attributes.href ?? "",
      } = resource.attributes;
      const base = [manifest, resources, resource].map(({ attributes }) => attributes["xml:base"] ?? "").join("/");
      const path = pathFrom(base, href);
      if (path === null)
        throw new QuestionProblem(`The manifest names ${href.slice(0, 100)}, which leads out of the package.`);
      return { identifier, kind: kindOf(type), type, path, tags: keywordsOf(resource) };
    }),
  );
}

const kindOf = (type: string) =>
  /^imsqti_item_xmlv[23]p\d/.test(type)
    ? "item"
    : /^imsqti_(assessment)?test_xmlv[23]p\d/.test(type)
      ? "test"
      : /^imsqti_(assessment)?section_xmlv[23]p\d/.test(type)
        ? "section"
        : "other";

/** Keywords of the learning object's metadata. */
const keywordsOf = (resource: XmlNode) =>
  childrenNamed(resource, "metadata")
    .flatMap((metadata) => [...descendants(metadata)])
    .filter(({ name }) => name === "keyword")
    .map((keyword) => textOf(keyword).trim())
    .filter((tag) => tag !== "");
