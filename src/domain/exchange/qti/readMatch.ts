import { Exact } from "../../decimal.ts";
import { matching } from "../../questionTypes/matching.ts";
import { QuestionProblem } from "../fileProblem.ts";
import { isFixed, maximumIn, type ReadContext, type ReadDefinition } from "./readContext.ts";
import { isSameScore, pointsOf, pointsText } from "./scorer.ts";
import { isMapResponse, isMatchCorrect } from "./standardRules.ts";
import { childrenNamed, type XmlNode } from "./xmlTree.ts";

/** Up to so many ways to match, all of them are tried. */
const MAX_TRIED_WAYS = 2_000;

/** A `matchInteraction`: its first set are the prompts, to each of which one of the second set belongs. */
export function readMatch(interaction: XmlNode, context: ReadContext): ReadDefinition {
  const { scorer, body, changed } = context;
  const { responseIdentifier = "" } = interaction.attributes;
  const sets = childrenNamed(interaction, "simpleMatchSet").map((set) => childrenNamed(set, "simpleAssociableChoice"));
  const [sources = [], targets = []] = sets;
  const nodes = new Map([...sources, ...targets].map((node) => [node.attributes.identifier ?? "", node]));
  const responded = (pairs: readonly Pair[]) => ({ [responseIdentifier]: pairs.map((pair) => pair.join(" ")) });
  const score = (pairs: readonly Pair[]) => scorer.score(responded(pairs));
  const [prompts, options] = [sources, targets].map((set) => set.map(({ attributes }) => attributes.identifier ?? ""));
  const key = keyOf(prompts!, options!, responseIdentifier, score, context);
  context.requireNothingForNothing();

  const best = score(key);
  const points = pointsOf(scorer.item, best, changed);
  const definition = {
    options: targets.map((node) => ({
      id: node.attributes.identifier ?? "",
      text: body.text(node.children),
      ...(isFixed(interaction, node) && { pinned: true as const }),
    })),
    prompts: key.map(([prompt, match]) => ({ id: prompt, text: body.text(nodes.get(prompt)!.children), match })),
  };
  const tried = triedWays(prompts!, options!, key, responseIdentifier, context);
  const scoring = (["proportional", "allOrNothing"] as const).find((each) =>
    tried.every((pairs) => {
      const response = { pairs: pairs.map(([prompt, option]) => ({ prompt, option })) };
      const grade = matching.grade({ ...definition, scoring: each }, response);
      return grade.kind === "graded" && isSameScore(grade.fraction.times(best), score(pairs), best);
    }),
  );
  if (!scoring) throw new QuestionProblem("Its pairs are not worth the same each, and not all or nothing.");
  noteLimits(sources, targets, changed);
  return { type: "MATCHING", points: pointsText(points), definition: { ...renamed(definition), scoring } };
}

type Pair = readonly [prompt: string, option: string];

/** To each prompt, the option that earns most beside what the others are best matched with. */
function keyOf(
  prompts: string[],
  options: string[],
  response: string,
  score: (pairs: Pair[]) => InstanceType<typeof Exact>,
  { scorer }: ReadContext,
): Pair[] {
  const declared = (scorer.item.responses.get(response)?.correct?.items ?? []).map((it) => String(it).split(" "));
  const key = prompts.map((prompt): Pair => {
    const right = declared
      .filter((pair) => pair.includes(prompt))
      .flatMap((pair) => pair.filter((id) => options.includes(id)));
    if (right.length > 1) throw new QuestionProblem("Several choices belong to one of its prompts.");
    const worth = options.map((option) => score([[prompt, option]]));
    const best = Exact.max(...worth);
    const found = right[0] ?? (best.gt(0) ? options[worth.findIndex((it) => it.eq(best))] : undefined);
    if (found === undefined) throw new QuestionProblem("To one of its prompts belongs none of the choices.");
    return [prompt, found];
  });
  if (key.length === 0) throw new QuestionProblem("There is nothing to match.");
  return key;
}

/** All ways to match where they are few; else those that tell all about the two standard templates. */
function triedWays(
  prompts: string[],
  options: string[],
  key: Pair[],
  response: string,
  { scorer: { item } }: ReadContext,
): Pair[][] {
  if ((options.length + 1) ** prompts.length <= MAX_TRIED_WAYS)
    return prompts.reduce<Pair[][]>(
      (ways, prompt) => ways.flatMap((way) => [way, ...options.map((option): Pair[] => [...way, [prompt, option]])]),
      [[]],
    );
  if (!isMatchCorrect(item, response) && !isMapResponse(item, response))
    throw new QuestionProblem(
      "Its scoring is not one of the standard templates, and there are too many ways to match to try them all.",
    );
  const oneOff = key.flatMap((pair, at) =>
    [undefined, ...options].map((option) =>
      key.flatMap((it, other): Pair[] => (other !== at ? [it] : option === undefined ? [] : [[pair[0], option]])),
    ),
  );
  const oneOnly = prompts.flatMap((prompt) => options.map((option): Pair[] => [[prompt, option]]));
  return [[], key, ...oneOff, ...oneOnly];
}

function noteLimits(sources: XmlNode[], targets: XmlNode[], changed: string[]): void {
  if (sources.some((node) => maximumIn(node, "matchMax", 1) !== 1))
    changed.push("A prompt could be matched with several choices; here, with one.");
  if (targets.some((node) => maximumIn(node, "matchMax", 1) < sources.length))
    changed.push("A choice could be used only so many times; here, any number of times.");
}

/** Names that tell nothing: those of files often tell what belongs together. */
function renamed({ options, prompts }: { options: { id: string }[]; prompts: { id: string; match: string }[] }) {
  const names = new Map(options.map(({ id }, at) => [id, `option-${at + 1}`]));
  return {
    options: options.map((option) => ({ ...option, id: names.get(option.id) })),
    prompts: prompts.map((prompt, at) => ({ ...prompt, id: `prompt-${at + 1}`, match: names.get(prompt.match) })),
  };
}
