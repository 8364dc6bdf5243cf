/**
 * Reweights: what is done to a device without touching the map. 65,536 is in, 0 is out, anything
 * between keeps that share of the inputs, always the same ones.
 */
import { hash2 } from "./hash.ts";
import { WEIGHT_ONE } from "./map.ts";

/** True when the device does not take input `x`; unknown devices take none. */
export function isOut(reweights: Uint32Array, device: number, x: number): boolean {
  const weight = reweights[device] ?? 0;
  if (weight >= WEIGHT_ONE) return false;
  return weight === 0 || (hash2(x, device) & 0xffff) >= weight;
}
