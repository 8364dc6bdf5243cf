/**
 * Walking a rule: from an input number to devices. The rule keeps a working list: `take` puts one
 * bucket in it, each choose step replaces every member by what is chosen below it, `emit` moves
 * the list to the answer.
 */
import { assert } from "../base/errors.ts";
import { chooseFirstn } from "./firstn.ts";
import { chooseIndep } from "./indep.ts";
import type { Layout } from "./layout.ts";
import { type SetOp, type Step, slotOf } from "./map.ts";
import type { Scratch } from "./scratch.ts";

type ChooseStep = Extract<Step, { op: "choose" | "chooseleaf" }>;

/**
 * Maps input `x` (taken as signed 32-bit) to at most `replicas` devices by rule `ruleId`. The
 * answer is `scratch.result[0 … n - 1]`, n being returned: device ids, NONE for holes. A firstn
 * rule may give fewer than asked for. An unknown rule gives none.
 *
 * `reweights`: by device, 16.16; devices beyond its end are out.
 */
export function place(
  layout: Layout,
  ruleId: number,
  x: number,
  replicas: number,
  reweights: Uint32Array,
  scratch: Scratch,
): number {
  assert(replicas <= scratch.capacity, "scratch has room for all replicas");
  const rule = layout.rules.get(ruleId);
  if (rule === undefined) return 0;
  begin(layout, scratch, x, reweights);
  let working = 0;
  let list = 0;
  let answered = 0;
  for (const step of rule.steps) {
    switch (step.op) {
      case "take":
        if (!exists(layout, step.item)) break;
        scratch.lists[list as 0][0] = step.item;
        working = 1;
        break;
      case "choose":
      case "chooseleaf":
        if (working === 0) break;
        working = choose(layout, scratch, step, list, working, replicas);
        list = 1 - list;
        break;
      case "emit":
        for (let i = 0; i < working && answered < replicas; i++, answered++)
          scratch.result[answered] = scratch.lists[list as 0][i] as number;
        working = 0;
        break;
      default:
        override(scratch, step.op, step.value);
    }
  }
  return answered;
}

function begin(layout: Layout, scratch: Scratch, x: number, reweights: Uint32Array): void {
  const { tunables } = layout;
  scratch.mapping++;
  scratch.x = x | 0;
  scratch.reweights = reweights;
  // Maps count retries here, rules count tries.
  scratch.tries = (tunables.chooseTotalTries + 1) >>> 0;
  scratch.leafTries = 0;
  scratch.localRetries = tunables.chooseLocalTries;
  scratch.fallbackRetries = tunables.chooseLocalFallbackTries;
  scratch.varyR = tunables.chooseleafVaryR;
  scratch.stable = tunables.chooseleafStable !== 0;
}

function exists(layout: Layout, item: number): boolean {
  return item >= 0 ? item < layout.deviceCount : layout.buckets[slotOf(item)] !== undefined;
}

function override(scratch: Scratch, op: SetOp, value: number): void {
  switch (op) {
    case "set_choose_tries":
      if (value > 0) scratch.tries = value;
      break;
    case "set_chooseleaf_tries":
      if (value > 0) scratch.leafTries = value;
      break;
    case "set_choose_local_tries":
      if (value >= 0) scratch.localRetries = value;
      break;
    case "set_choose_local_fallback_tries":
      if (value >= 0) scratch.fallbackRetries = value;
      break;
    case "set_chooseleaf_vary_r":
      if (value >= 0) scratch.varyR = value;
      break;
    case "set_chooseleaf_stable":
      if (value >= 0) scratch.stable = value !== 0;
      break;
  }
}

/** Replaces the working list by what is chosen below its members; returns its new length. */
function choose(
  layout: Layout,
  scratch: Scratch,
  step: ChooseStep,
  list: number,
  working: number,
  replicas: number,
): number {
  const from = scratch.lists[list as 0];
  const out = scratch.lists[(1 - list) as 0];
  const count = step.count > 0 ? step.count : step.count + replicas;
  if (count <= 0) return 0;
  const leaf = step.op === "chooseleaf";
  const ruleLeafTries = scratch.leafTries;
  const { target } = scratch;
  target.type = step.type;
  target.out = out;
  target.leaves = leaf ? scratch.leaves : undefined;
  target.tries = scratch.tries;
  let length = 0;
  for (let i = 0; i < working; i++) {
    const bucket = layout.buckets[slotOf(from[i] as number)];
    if (bucket === undefined) continue;
    const room = replicas - length;
    target.start = length;
    if (step.mode === "firstn") {
      const once = layout.tunables.chooseleafDescendOnce !== 0;
      scratch.leafTries = ruleLeafTries || (once ? 1 : scratch.tries);
      length += chooseFirstn(layout, scratch, bucket, target, 0, count, room);
    } else {
      const places = Math.min(count, room);
      scratch.leafTries = ruleLeafTries || 1;
      chooseIndep(layout, scratch, bucket, target, 0, places, count);
      length += places;
    }
  }
  scratch.leafTries = ruleLeafTries;
  if (leaf) for (let i = 0; i < length; i++) out[i] = scratch.leaves[i] as number;
  return length;
}
