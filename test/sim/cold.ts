/** Which worlds have blocks that become stripes: cold ones, and pieces whose pool has another scheme. */
import { Dice } from "../../raft/testing/dice.ts";
import { type ColdSetting, type PoolScheme, piecesOf } from "../../rpc/pool.ts";

/** k + m: at most six pieces. */
const COLD_SCHEMES = [
  [2, 1],
  [2, 2],
  [3, 2],
  [4, 2],
] as const;

const STORM_MS = 6_000;
const COLD_STORM_MS = 9_000;

/** For how long at least things go wrong: stripes take their time to come about. */
export const stormMsOf = (cold: ColdSetting | undefined): number =>
  cold === undefined ? STORM_MS : COLD_STORM_MS;

/** Every other world has a pool that grows cold. Not by the dice: what else happens is as ever. */
export function coldOf(seed: number): ColdSetting | undefined {
  if (seed % 2 === 1) return undefined;
  return anyCold(new Dice(seed ^ 0xc01d));
}

export function anyCold(dice: Dice): ColdSetting {
  const [k = 2, m = 1] = dice.pick(COLD_SCHEMES) ?? [];
  return { scheme: { k, m }, afterMs: dice.between(0, 1_500) };
}

/** For the pool of pieces; of a single k they become whole copies. */
export function anyPieces(dice: Dice, widest: number): PoolScheme {
  const all = [[1, 2], ...COLD_SCHEMES].map(([k = 1, m = 2]) => ({ k, m }));
  return dice.pick(all.filter((scheme) => piecesOf(scheme) <= widest)) ?? { k: 2, m: 1 };
}
