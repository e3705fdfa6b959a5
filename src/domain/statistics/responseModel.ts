import type { ScoreTable } from "./scoreTable.ts";

/** One question in a logistic model: P(right | θ) = 1 / (1 + e^−a(θ − b)), θ normal with mean 0 and variance 1. */
export interface ItemParameters {
  /** b, on the scale of θ. */
  difficulty: number;
  difficultyError: number | null;
  /** a; the same for all questions in the Rasch model. */
  discrimination: number;
  discriminationError: number | null;
}

export interface ModelFit {
  model: "RASCH" | "TWO_PARAMETERS";
  items: (ItemParameters | null)[];
  logLikelihood: number;
  iterations: number;
  converged: boolean;
}

const NODES = 61;
const WIDTH = 6;
const MAX_ITERATIONS = 2_000;
/** Change of the largest parameter in one iteration below which the fit stands. */
const TOLERANCE = 1e-6;
/** Of a and of a·b: beyond this a question tells nothing more apart, and its estimate would run off. */
const LARGEST = 30;

/** Equally spaced quadrature points of the standard normal distribution, with weights that make 1. */
const nodes = Float64Array.from({ length: NODES }, (_, at) => -WIDTH + (2 * WIDTH * at) / (NODES - 1));
const density = nodes.map((x) => Math.exp((-x * x) / 2));
const logWeights = density.map((each) => Math.log(each / density.reduce((sum, one) => sum + one, 0)));

/** People who answered alike count together: a pattern has the right, wrong (0, 1) or absent (2) of each question. */
interface Pattern {
  responses: Uint8Array;
  count: number;
}

function patternsOf({ persons, items }: ScoreTable): Pattern[] {
  const patterns = new Map<string, Pattern>();
  const responses = new Uint8Array(items.length);
  for (let person = 0; person < persons; person++) {
    items.forEach(({ marks, maxMark }, at) => {
      const mark = marks[person]!;
      responses[at] = Number.isNaN(mark) ? 2 : mark >= maxMark ? 1 : 0;
    });
    const key = String.fromCharCode(...responses);
    const known = patterns.get(key);
    if (known) known.count++;
    else patterns.set(key, { responses: responses.slice(), count: 1 });
  }
  return [...patterns.values()];
}

/**
 * Fits a model by marginal maximum likelihood with the EM algorithm (Bock and Aitkin, 1981). A mark below the full points counts as wrong; what
 * was not on a paper is left out of its pattern. Questions that all or nobody got right have no estimate: null in their place.
 * Standard errors are from the cross-products of the patterns' scores.
 * A generator, so that whoever runs it can let others have their turn after each iteration.
 */
export function* fitModel(table: ScoreTable, model: ModelFit["model"]): Generator<number, ModelFit> {
  const all = patternsOf(table);
  const used = table.items.flatMap((_item, at) => (varies(all, at) ? [at] : []));
  const patterns = all.map(({ responses, count }) => ({
    responses: Uint8Array.from(used, (at) => responses[at]!),
    count,
  }));
  // In the form a·θ + c, whose likelihood is concave in (a, c).
  const slopes = new Float64Array(used.length).fill(1);
  const intercepts = Float64Array.from(used, (_at, item) => logit(shareRight(patterns, item)));
  let iterations = 0;
  let change = Number.POSITIVE_INFINITY;
  while (used.length > 0 && change > TOLERANCE && iterations < MAX_ITERATIONS) {
    const expected = expectation(patterns, slopes, intercepts);
    change =
      model === "RASCH" ? maximiseTogether(expected, slopes, intercepts) : maximiseEach(expected, slopes, intercepts);
    iterations++;
    yield iterations;
  }
  const errors = errorsOf(patterns, slopes, intercepts, model);
  const items: ModelFit["items"] = table.items.map(() => null);
  used.forEach((at, item) => {
    const [a, c] = [slopes[item]!, intercepts[item]!];
    items[at] = { difficulty: -c / a, discrimination: a, ...errors(item) };
  });
  const { logLikelihood } = expectation(patterns, slopes, intercepts);
  return { model, items, logLikelihood, iterations, converged: change <= TOLERANCE };
}

function varies(patterns: readonly Pattern[], item: number): boolean {
  const seen = new Set(patterns.map(({ responses }) => responses[item]));
  return seen.has(0) && seen.has(1);
}

function shareRight(patterns: readonly Pattern[], item: number): number {
  let [right, given] = [0, 0];
  for (const { responses, count } of patterns) {
    if (responses[item] === 2) continue;
    given += count;
    if (responses[item] === 1) right += count;
  }
  return right / given;
}

const logit = (share: number) => Math.log(share / (1 - share));
const logistic = (x: number) => 1 / (1 + Math.exp(-x));

interface Expected {
  /** By question and node: how many are expected there who had the question, and how many of them were right. */
  given: Float64Array[];
  right: Float64Array[];
  logLikelihood: number;
}

/** Where on θ each pattern is likely to be. */
function posteriorOf(
  { responses }: Pattern,
  logRight: Float64Array[],
  logWrong: Float64Array[],
  into: Float64Array,
): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (let node = 0; node < NODES; node++) {
    let sum = logWeights[node]!;
    for (let item = 0; item < responses.length; item++) {
      if (responses[item] === 1) sum += logRight[item]![node]!;
      else if (responses[item] === 0) sum += logWrong[item]![node]!;
    }
    into[node] = sum;
    if (sum > largest) largest = sum;
  }
  let whole = 0;
  for (let node = 0; node < NODES; node++) {
    const part = Math.exp(into[node]! - largest);
    into[node] = part;
    whole += part;
  }
  for (let node = 0; node < NODES; node++) into[node]! /= whole;
  return largest + Math.log(whole);
}

/** Logarithms of the probabilities to be right and to be wrong, by question and node. */
function logProbabilities(slopes: Float64Array, intercepts: Float64Array): [Float64Array[], Float64Array[]] {
  const of = (sign: number) =>
    Array.from(slopes, (slope, item) =>
      nodes.map((theta) => -Math.log1p(Math.exp(-sign * (slope * theta + intercepts[item]!)))),
    );
  return [of(1), of(-1)];
}

function expectation(patterns: readonly Pattern[], slopes: Float64Array, intercepts: Float64Array): Expected {
  const [logRight, logWrong] = logProbabilities(slopes, intercepts);
  const given = Array.from(slopes, () => new Float64Array(NODES));
  const right = Array.from(slopes, () => new Float64Array(NODES));
  const posterior = new Float64Array(NODES);
  let logLikelihood = 0;
  for (const pattern of patterns) {
    const { responses, count } = pattern;
    logLikelihood += count * posteriorOf(pattern, logRight, logWrong, posterior);
    for (let item = 0; item < responses.length; item++) {
      if (responses[item] === 2) continue;
      const [g, r] = [given[item]!, right[item]!];
      for (let node = 0; node < NODES; node++) {
        const weight = count * posterior[node]!;
        g[node]! += weight;
        if (responses[item] === 1) r[node]! += weight;
      }
    }
  }
  return { given, right, logLikelihood };
}

/** First derivatives and information of one question at its present parameters. */
function derivatives({ given, right }: Expected, item: number, slope: number, intercept: number) {
  let [ga, gc, iaa, iac, icc] = [0, 0, 0, 0, 0];
  for (let node = 0; node < NODES; node++) {
    const theta = nodes[node]!;
    const p = logistic(slope * theta + intercept);
    const residual = right[item]![node]! - given[item]![node]! * p;
    const information = given[item]![node]! * p * (1 - p);
    ga += residual * theta;
    gc += residual;
    iaa += information * theta * theta;
    iac += information * theta;
    icc += information;
  }
  return { ga, gc, iaa, iac, icc };
}

const within = (value: number) => Math.max(-LARGEST, Math.min(LARGEST, value));

/** One Newton step for each question alone; returns the largest change. */
function maximiseEach(expected: Expected, slopes: Float64Array, intercepts: Float64Array): number {
  let change = 0;
  for (let item = 0; item < slopes.length; item++) {
    const { ga, gc, iaa, iac, icc } = derivatives(expected, item, slopes[item]!, intercepts[item]!);
    const determinant = iaa * icc - iac * iac;
    if (determinant < 1e-12) continue; // nothing to learn about this one any more
    const a = within(slopes[item]! + (icc * ga - iac * gc) / determinant);
    const c = within(intercepts[item]! + (iaa * gc - iac * ga) / determinant);
    change = Math.max(change, Math.abs(a - slopes[item]!), Math.abs(c - intercepts[item]!));
    slopes[item] = a;
    intercepts[item] = c;
  }
  return change;
}

/** One Newton step with one slope for all. */
function maximiseTogether(expected: Expected, slopes: Float64Array, intercepts: Float64Array): number {
  const each = Array.from(slopes, (slope, item) => derivatives(expected, item, slope, intercepts[item]!));
  const whole = each.reduce(
    (sum, { ga, gc, iaa, iac, icc }) => ({ g: sum.g + ga - (iac * gc) / icc, i: sum.i + iaa - (iac * iac) / icc }),
    { g: 0, i: 0 },
  );
  const step = whole.i < 1e-12 ? 0 : whole.g / whole.i;
  let change = Math.abs(step);
  each.forEach(({ gc, iac, icc }, item) => {
    const before = intercepts[item]!;
    intercepts[item] = within(before + (gc - iac * step) / icc);
    change = Math.max(change, Math.abs(intercepts[item]! - before));
  });
  slopes.fill(within(slopes[0]! + step));
  return change;
}

/** Standard errors of a and b from the inverse of Σ s·sᵀ over the patterns' scores, by the delta method; null where it cannot be inverted. */
function errorsOf(
  patterns: readonly Pattern[],
  slopes: Float64Array,
  intercepts: Float64Array,
  model: ModelFit["model"],
): (item: number) => Pick<ItemParameters, "difficultyError" | "discriminationError"> {
  const items = slopes.length;
  const slopeAt = (item: number) => (model === "RASCH" ? items : items + item);
  const size = model === "RASCH" ? items + 1 : 2 * items;
  const information = Array.from({ length: size }, () => new Float64Array(size));
  const [logRight, logWrong] = logProbabilities(slopes, intercepts);
  const probabilities = logRight.map((logs) => logs.map(Math.exp));
  const posterior = new Float64Array(NODES);
  for (const pattern of patterns) {
    posteriorOf(pattern, logRight, logWrong, posterior);
    const score = new Float64Array(size);
    pattern.responses.forEach((response, item) => {
      if (response === 2) return;
      for (let node = 0; node < NODES; node++) {
        const residual = posterior[node]! * (response - probabilities[item]![node]!);
        score[item]! += residual;
        score[slopeAt(item)]! += residual * nodes[node]!;
      }
    });
    for (let row = 0; row < size; row++)
      for (let column = 0; column <= row; column++)
        information[row]![column]! += pattern.count * score[row]! * score[column]!;
  }
  const covariances = inverse(information);
  return (item) => {
    if (!covariances) return { difficultyError: null, discriminationError: null };
    const at = slopeAt(item);
    const [a, c] = [slopes[item]!, intercepts[item]!];
    const [vc, va, vac] = [
      covariances[item]![item]!,
      covariances[at]![at]!,
      covariances[Math.max(at, item)]![Math.min(at, item)]!,
    ];
    // b = −c / a: db = −dc / a + c / a² · da
    const vb = vc / a ** 2 + (c ** 2 / a ** 4) * va - ((2 * c) / a ** 3) * vac;
    return { difficultyError: rootOf(vb), discriminationError: rootOf(va) };
  };
}

const rootOf = (square: number) => (square >= 0 && Number.isFinite(square) ? Math.sqrt(square) : null);

/** Of a symmetric positive definite matrix given by its lower triangle, by Cholesky's decomposition; null for any other. */
function inverse(lower: Float64Array[]): Float64Array[] | null {
  const size = lower.length;
  const root = lower.map((row) => row.slice());
  for (let row = 0; row < size; row++) {
    for (let column = 0; column <= row; column++) {
      let sum = root[row]![column]!;
      for (let at = 0; at < column; at++) sum -= root[row]![at]! * root[column]![at]!;
      if (row === column && sum <= 1e-10) return null;
      root[row]![column] = row === column ? Math.sqrt(sum) : sum / root[column]![column]!;
    }
  }
  const result = lower.map(() => new Float64Array(size));
  for (let unit = 0; unit < size; unit++) {
    const solution = new Float64Array(size);
    for (let row = unit; row < size; row++) {
      let sum = row === unit ? 1 : 0;
      for (let at = unit; at < row; at++) sum -= root[row]![at]! * solution[at]!;
      solution[row] = sum / root[row]![row]!;
    }
    for (let row = size - 1; row >= 0; row--) {
      let sum = solution[row]!;
      for (let at = row + 1; at < size; at++) sum -= root[at]![row]! * solution[at]!;
      solution[row] = sum / root[row]![row]!;
    }
    for (let row = 0; row < size; row++) result[row]![unit] = solution[row]!;
  }
  return result;
}
