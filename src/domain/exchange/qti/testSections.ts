import { childNamed, childrenNamed, elementsOf, type XmlNode } from "./xmlTree.ts";

export interface TestItem {
  /** As the test names it. */
  href: string;
  /** Within the package; null for what leads out of it. */
  path: string | null;
  /** Factors of its score, by their identifiers. */
  weights: ReadonlyMap<string, string>;
  isFixed: boolean;
  /** Drawn in any case, where its section draws. */
  isRequired: boolean;
}

/** A section without sections. */
export interface TestSection {
  identifier: string;
  title: string;
  /** How many of its items are drawn; null for all. */
  select: number | null;
  isShuffled: boolean;
  items: TestItem[];
}

/**
 * The sections of a test, or of a part of it, one after the other: those within others stand behind the items before them. One that
 * shows nothing of itself and has no rules joins the one it is in. What that changes goes to `lost`.
 */
export function flatSections(node: XmlNode, lost: Set<string>): TestSection[] {
  const { select, isShuffled } = rulesOf(node, lost);
  const title = node.attributes.title?.trim() ?? "";
  const sections: TestSection[] = [];
  let own: TestSection | null = null;
  const ownSection = (): TestSection => {
    if (!own) {
      own = { identifier: node.attributes.identifier ?? "", title, select, isShuffled, items: [] };
      sections.push(own);
    }
    return own;
  };
  const isSection = node.name === "assessmentSection";
  let hasParts = false;
  for (const child of elementsOf(node)) {
    if (child.name === "assessmentItemRef") ownSection().items.push(toItem(child));
    else if (child.name === "assessmentSection" || child.name === "testPart") {
      const inner = flatSections(child, lost);
      const joins = isSection && select === null && child.attributes.visible === "false" && isWithoutRules(child);
      if (joins && inner.length === 1) for (const item of inner[0]!.items) ownSection().items.push(item);
      else {
        for (const section of inner) sections.push(section);
        own = null;
        hasParts = true;
      }
    }
  }
  if (!isSection) return sections;
  if (!hasParts) {
    if (sections.length === 0) ownSection();
    return sections;
  }
  const name = title.slice(0, 100);
  lost.add(`The sections within "${name}" stand one after the other here, with its own questions between them.`);
  if (select !== null) {
    lost.add(`It would draw ${select} of the parts of "${name}"; here all are asked.`);
    for (const section of sections) if (section.identifier === node.attributes.identifier) section.select = null;
  }
  if (isShuffled) lost.add(`The parts of "${name}" would be shuffled; here they keep their order.`);
  return sections;
}

const isWithoutRules = (node: XmlNode) => childrenNamed(node, "selection", "ordering").length === 0;

function rulesOf(node: XmlNode, lost: Set<string>): Pick<TestSection, "select" | "isShuffled"> {
  const isShuffled = childNamed(node, "ordering")?.attributes.shuffle === "true";
  const selection = childNamed(node, "selection");
  if (!selection) return { select: null, isShuffled };
  const { select: given = "", withReplacement } = selection.attributes;
  if (withReplacement === "true") lost.add("A question that might be drawn twice is drawn once.");
  const select = /^\d{1,6}$/.test(given.trim()) ? Number(given) : 0;
  if (select > 0) return { select, isShuffled };
  lost.add(`The selection of ${given.slice(0, 20) || "nothing"} is no number of questions; all are asked.`);
  return { select: null, isShuffled };
}

function toItem(node: XmlNode): TestItem {
  const { href = "", path = null, fixed, required } = node.attributes;
  const weights = childrenNamed(node, "weight").map(({ attributes: { identifier = "", value = "" } }) => {
    return [identifier, value] as const;
  });
  return { href, path, weights: new Map(weights), isFixed: fixed === "true", isRequired: required === "true" };
}
