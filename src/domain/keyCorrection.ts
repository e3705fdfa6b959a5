import { questionType } from "./questionTypes.ts";

/** What of a question version decides how its responses are read. */
export interface ReadBy {
  type: string;
  /** As `parseDefinition` returned it. */
  definition: unknown;
}

/**
 * Why another version's key cannot grade responses to the version that was pinned: empty where it can. It has to be of the same type and
 * to have a key, the same ids of options, prompts and gaps, and every unit that the pinned one takes; texts, points and the key may differ.
 */
export function differencesInReading(pinned: ReadBy, other: ReadBy): string[] {
  if (pinned.type !== other.type) return [`it is of the type ${other.type}, not ${pinned.type}`];
  if (questionType(pinned.type).isMarkedByHand)
    return ["its answers are marked by people, and no version has a key to them"];
  const [asked, read] = [partsOf(pinned), partsOf(other)];
  const known = new Set(read.map(({ name }) => name));
  const wanted = new Set(asked.map(({ name }) => name));
  return [
    ...asked.filter(({ name }) => !known.has(name)).map(({ name }) => `it does not have the ${name}`),
    ...read
      .filter(({ name, mayBeMore }) => !mayBeMore && !wanted.has(name))
      .map(({ name }) => `it has the ${name}, which the papers do not have`),
  ];
}

interface Part {
  name: string;
  /** Whether it does no harm if only the other version has it. */
  mayBeMore?: boolean;
}

function partsOf({ type, definition }: ReadBy): Part[] {
  const { studentView, unitsOf } = questionType(type);
  const { options, prompts = [], gaps = [] } = studentView(definition);
  return [
    ...options.map(({ id }) => ({ name: `option "${id}"` })),
    ...prompts.map(({ id }) => ({ name: `prompt "${id}"` })),
    ...gaps.flatMap(({ id, kind, options }) => [
      { name: `${kind} gap "${id}"` },
      ...options.map((option) => ({ name: `option "${option.id}" of the gap "${id}"` })),
    ]),
    ...(unitsOf?.(definition) ?? []).map((unit) => ({ name: `unit ${unit}`, mayBeMore: true })),
  ];
}
