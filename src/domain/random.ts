export interface Random {
  /** A whole number from 0 up to, not including, `limit` (1 to 2^32); each is equally likely. */
  below(limit: number): number;
}

const rotateLeft = (value: number, by: number) => (value << by) | (value >>> (32 - by));

/**
 * xoshiro128** (Blackman and Vigna, https://prng.di.unimi.it/xoshiro128starstar.c): the next of its 32-bit outputs,
 * changing the state. Written out here because a paper must be drawn the same from its seed for ever, which no
 * library promises across versions.
 */
export function xoshiro128(state: Uint32Array): number {
  const s0 = state[0]!; // by place: taking a typed array apart runs its iterator, and an exam's start asks hundreds of times
  const s1 = state[1]!;
  const s2 = state[2]!;
  const s3 = state[3]!;
  const result = Math.imul(rotateLeft(Math.imul(s1, 5), 7), 9) >>> 0;
  const c = s2 ^ s0;
  const d = s3 ^ s1;
  state[0] = s0 ^ d;
  state[1] = s1 ^ c;
  state[2] = c ^ (s1 << 9);
  state[3] = rotateLeft(d, 11);
  return result;
}

/** Spreads a seed over the state, as the authors advise: neighbouring seeds share nothing (murmur3's finaliser). */
function stateFrom(seed: number): Uint32Array {
  return Uint32Array.from([1, 2, 3, 4], (step) => {
    let word = (seed + Math.imul(step, 0x9e3779b9)) | 0;
    word = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
    word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
    return word ^ (word >>> 16);
  });
}

/** The same seed gives the same numbers; of the seed, the lowest 32 bits count. Not for secrets. */
export function createRandom(seed: number): Random {
  const state = stateFrom(seed);
  return {
    below(limit) {
      const fair = 2 ** 32 - (2 ** 32 % limit); // above it, the small results would come once too often
      let number = xoshiro128(state);
      while (number >= fair) number = xoshiro128(state);
      return number % limit;
    },
  };
}

/** The items in random order (Fisher and Yates); the list given stays as it is. */
export function shuffle<Item>(items: readonly Item[], random: Random): Item[] {
  const rest = [...items];
  return items.map(() => {
    const at = random.below(rest.length);
    const [taken] = rest.splice(at, 1);
    return taken as Item;
  });
}
