import { QuestionProblem } from "../fileProblem.ts";
import { MANIFEST, pathFrom } from "./manifest.ts";
import { MAX_MANIFEST_LENGTH, MAX_RESOURCES } from "./packageLimits.ts";
import { xmlParser } from "./xmlParser.ts";

/** What a manifest says of an item, a test or another file. */
export interface Resource {
  kind: "item" | "test" | "other";
  type: string;
  /** From the top of the package. */
  path: string;
  /** Keywords of the learning object's metadata. */
  tags: readonly string[];
}

/** One more than a question may have, and one longer than a tag may be, are refused with the question. */
const TAGS_KEPT = 51;
const TAG_LENGTH_KEPT = 1_000;

/** A resource while it is read. */
interface OpenResource {
  base: string;
  type: string;
  href: string | undefined;
  tags: Set<string>;
}

/**
 * What a manifest lists, in its order, of a text that comes in pieces. Only names and tags are kept.
 * @throws QuestionProblem for what is no manifest, leads out of the package, or lists more than a package may have
 */
export async function readManifest(pieces: AsyncIterable<string>): Promise<Resource[]> {
  const resources: Resource[] = [];
  const keep = textKeeper();
  /** The names of the elements around, and the base of their files. */
  const around: string[] = [];
  const bases: string[] = [];
  let resource: OpenResource | null = null;
  let keyword: { depth: number; text: string } | null = null;

  const parser = xmlParser({
    open(name, attributes) {
      const place = around.join("/");
      around.push(name);
      if (around.length <= 3) bases[around.length - 1] = attributes["xml:base"] ?? "";
      if (place === "" && name !== "manifest")
        throw new QuestionProblem(`${MANIFEST} holds <${name.slice(0, 50)}> and no manifest.`);
      if (place === "manifest/resources" && name === "resource") {
        if (resources.length === MAX_RESOURCES)
          throw new QuestionProblem(`it names more than ${MAX_RESOURCES} resources.`);
        const { type = "", href } = attributes;
        resource = { base: bases.join("/"), type, href, tags: new Set() };
      } else if (!resource) return;
      else if (around.length === 4 && name === "file") resource.href ??= attributes.href;
      else if (around[3] === "metadata" && name === "keyword") keyword ??= { depth: around.length, text: "" };
    },
    text(part) {
      if (keyword && keyword.text.length < TAG_LENGTH_KEPT)
        keyword.text = (keyword.text + part).trimStart().slice(0, TAG_LENGTH_KEPT);
    },
    close() {
      if (resource && keyword?.depth === around.length) {
        const tag = keyword.text.trim();
        if (tag !== "" && resource.tags.size < TAGS_KEPT) resource.tags.add(keep(tag));
        keyword = null;
      }
      around.pop();
      if (!resource || around.length !== 2) return;
      resources.push(toResource(resource, keep));
      resource = null;
    },
  });
  for await (const piece of pieces) parser.write(piece);
  parser.close();
  return resources;
}

function toResource({ base, type, href = "", tags }: OpenResource, keep: (text: string) => string): Resource {
  const path = pathFrom(base, href);
  if (path === null)
    throw new QuestionProblem(`The manifest names ${href.slice(0, 100)}, which leads out of the package.`);
  return { kind: kindOf(type), type: keep(type), path: keep(path), tags: [...tags] };
}

const kindOf = (type: string) =>
  /^imsqti_item_xmlv[23]p\d/.test(type)
    ? "item"
    : /^imsqti_(assessment)?test_xmlv[23]p\d/.test(type)
      ? "test"
      : "other";

/** Gives each text back as one that is kept once, and does not hold on to the piece of the file it was cut from. */
function textKeeper(): (text: string) => string {
  const kept = new Map<string, string>();
  let length = 0;
  return (text) => {
    const before = kept.get(text);
    if (before !== undefined) return before;
    length += text.length;
    if (length > MAX_MANIFEST_LENGTH)
      throw new QuestionProblem(`its names and tags are longer than ${MAX_MANIFEST_LENGTH / 1024 / 1024} MB.`);
    const own = Buffer.from(text).toString();
    kept.set(own, own);
    return own;
  };
}
