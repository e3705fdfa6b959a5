/** Numbers of many people, as plain or typed arrays. All sample statistics divide by n − 1 unless said otherwise. */
export type Numbers = ArrayLike<number>;

export function mean(values: Numbers): number {
  let sum = 0;
  for (let at = 0; at < values.length; at++) sum += values[at]!;
  return sum / values.length;
}

/** The mean of the `power`th powers of the distances from the mean, divided by n. */
export function centralMoment(values: Numbers, power: number): number {
  const middle = mean(values);
  let sum = 0;
  for (let at = 0; at < values.length; at++) sum += (values[at]! - middle) ** power;
  return sum / values.length;
}

/** Null for fewer than two values. */
export function covariance(some: Numbers, others: Numbers): number | null {
  if (some.length < 2) return null;
  const [a, b] = [mean(some), mean(others)];
  let sum = 0;
  for (let at = 0; at < some.length; at++) sum += (some[at]! - a) * (others[at]! - b);
  return sum / (some.length - 1);
}

export const variance = (values: Numbers): number | null => covariance(values, values);

/** Null for fewer than two values. */
export function standardDeviation(values: Numbers): number | null {
  const square = variance(values);
  return square === null ? null : Math.sqrt(square);
}

/** Pearson's; null where one of them does not vary. */
export function correlation(some: Numbers, others: Numbers): number | null {
  const [together, a, b] = [covariance(some, others), variance(some), variance(others)];
  return together === null || !a || !b ? null : together / Math.sqrt(a * b);
}

export const sorted = (values: Numbers): Float64Array => Float64Array.from(values).sort();

/** Null for no values. */
export function median(values: Numbers): number | null {
  if (values.length === 0) return null;
  const ranked = sorted(values);
  const half = ranked.length >> 1;
  return ranked.length % 2 === 1 ? ranked[half]! : (ranked[half - 1]! + ranked[half]!) / 2;
}

/** G1, from the k-statistics: k3 / k2^1.5; null for fewer than three values or where nothing varies. */
export function skewness(values: Numbers): number | null {
  const n = values.length;
  const k2 = n < 3 ? null : variance(values);
  if (!k2) return null;
  return (n ** 2 * centralMoment(values, 3)) / ((n - 1) * (n - 2)) / k2 ** 1.5;
}

/** G2, from the k-statistics: k4 / k2², 0 for a normal distribution; null for fewer than four values or where nothing varies. */
export function kurtosisExcess(values: Numbers): number | null {
  const n = values.length;
  const k2 = n < 4 ? null : variance(values);
  if (!k2) return null;
  const [m2, m4] = [centralMoment(values, 2), centralMoment(values, 4)];
  const k4 = (n ** 2 * ((n + 1) * m4 - 3 * (n - 1) * m2 ** 2)) / ((n - 1) * (n - 2) * (n - 3));
  return k4 / k2 ** 2;
}
