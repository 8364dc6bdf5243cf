/**
 * A stream of numbers that a seed replays (xorshift32), for simulations and tests. The seed is a
 * parameter, so this is no source of chance of its own.
 */

/** Unsigned 32-bit numbers, never 0. */
export function seededNumbers(seed: number): () => number {
  let state = (Math.imul(seed, 0x9e3779b1) ^ 0x6d2b79f5) >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state;
  };
}
