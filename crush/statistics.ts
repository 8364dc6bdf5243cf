/** How well a rule fills devices, and how likely failures lose data. */
import { idealShares } from "./ideal.ts";
import { type LayoutOptions, layOut } from "./layout.ts";
import { NONE } from "./map.ts";
import type { Situation } from "./movement.ts";
import { place } from "./place.ts";
import { createScratch } from "./scratch.ts";
import { seededNumbers } from "./seeded.ts";

export interface Fill {
  readonly inputs: number;
  /** Inputs that did not get all their replicas. */
  readonly incomplete: number;
  /** Standard deviation of actual fill over ideal fill, over all devices; 0 is perfect. */
  readonly deviation: number;
  /** The same that equal inputs thrown at random would show: the rest is CRUSH's own. */
  readonly expectedDeviation: number;
  /** The emptiest and the fullest device, actual over ideal. */
  readonly lowest: number;
  readonly highest: number;
}

/** Devices of inputs 0 … inputs - 1, `replicas` each, NONE where there is none. */
export function placements(
  { map, rule, replicas, reweights }: Situation,
  inputs: number,
  options: LayoutOptions = {},
): Int32Array {
  const layout = layOut({ ...map, rules: new Map([[rule.id, rule]]) }, options);
  const scratch = createScratch(layout, replicas);
  const devices = new Int32Array(inputs * replicas).fill(NONE);
  for (let x = 0; x < inputs; x++) {
    const count = place(layout, rule.id, x, replicas, reweights, scratch);
    devices.set(scratch.result.subarray(0, count), x * replicas);
  }
  return devices;
}

/** Measures the fill of every device that should hold anything. */
export function measureFill(
  situation: Situation,
  inputs: number,
  options: LayoutOptions = {},
): Fill {
  const { map, rule, replicas, reweights } = situation;
  const placed = placements(situation, inputs, options);
  const held = new Map<number, number>();
  let incomplete = 0;
  for (let x = 0; x < inputs; x++) {
    const devices = placed.subarray(x * replicas, (x + 1) * replicas);
    if (devices.includes(NONE)) incomplete++;
    for (const device of devices) held.set(device, (held.get(device) ?? 0) + 1);
  }
  const ratios: number[] = [];
  let chance = 0;
  for (const [device, share] of idealShares(map, rule, replicas, reweights)) {
    const ideal = share * inputs * replicas;
    if (ideal === 0) continue;
    ratios.push((held.get(device) ?? 0) / ideal);
    chance += 1 / ideal;
  }
  const squares = ratios.reduce((total, ratio) => total + (ratio - 1) ** 2, 0);
  return {
    inputs,
    incomplete,
    deviation: Math.sqrt(squares / ratios.length),
    expectedDeviation: Math.sqrt(chance / ratios.length),
    lowest: Math.min(...ratios),
    highest: Math.max(...ratios),
  };
}

export interface LossQuestion {
  /** Devices that fail at once, before anything is rebuilt. */
  readonly failures: number;
  /** Failed replicas or pieces of an input that do not lose it: size - 1, or m of (k, m). */
  readonly tolerated: number;
  readonly trials: number;
  readonly seed: number;
}

export interface Loss {
  /** Part of the trials in which at least one input was lost. */
  readonly probability: number;
  /** Part of all inputs lost, over all trials. */
  readonly lostShare: number;
}

/** Lets random devices fail and counts what is gone. */
export function simulateLoss(
  situation: Situation,
  inputs: number,
  question: LossQuestion,
  options: LayoutOptions = {},
): Loss {
  const { replicas, reweights } = situation;
  const placed = placements(situation, inputs, options);
  const devices = [...reweights.keys()].filter((device) => (reweights[device] ?? 0) > 0);
  const next = seededNumbers(question.seed);
  let trialsWithLoss = 0;
  let lost = 0;
  for (let trial = 0; trial < question.trials; trial++) {
    const failed = drawFailures(devices, question.failures, next, reweights.length);
    const lostNow = countLost(placed, replicas, failed, question.tolerated);
    lost += lostNow;
    if (lostNow > 0) trialsWithLoss++;
  }
  return {
    probability: trialsWithLoss / question.trials,
    lostShare: lost / question.trials / inputs,
  };
}

function drawFailures(devices: number[], count: number, next: () => number, size: number) {
  const failed = new Uint8Array(size);
  // A shuffle that stops after `count`; the rest of the order serves the next trial.
  for (let i = 0; i < Math.min(count, devices.length); i++) {
    const other = i + (next() % (devices.length - i));
    const device = devices[other] ?? 0;
    devices[other] = devices[i] ?? 0;
    devices[i] = device;
    failed[device] = 1;
  }
  return failed;
}

function countLost(placed: Int32Array, replicas: number, failed: Uint8Array, tolerated: number) {
  let lost = 0;
  for (let at = 0; at < placed.length; at += replicas) {
    let gone = 0;
    for (let i = at; i < at + replicas; i++) {
      const device = placed[i] as number;
      if (device === NONE || failed[device] === 1) gone++;
    }
    if (gone > tolerated) lost++;
  }
  return lost;
}
