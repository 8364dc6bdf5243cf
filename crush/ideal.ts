/**
 * What a rule would give each device if it placed perfectly: in proportion to weight, but no
 * failure domain more than one of the replicas. The yardstick for fill and movement.
 */
import { type CrushMap, type Rule, type Step, WEIGHT_ONE } from "./map.ts";

type ChooseStep = Extract<Step, { op: "choose" | "chooseleaf" }>;

/** Share of all replicas by device id; adds up to 1 where the rule can place all of them. */
export function idealShares(
  map: CrushMap,
  rule: Rule,
  replicas: number,
  reweights: Uint32Array,
): Map<number, number> {
  const shares = new Map<number, number>();
  const context: Context = { map, reweights, replicas, usable: new Map(), shares };
  let left = replicas;
  let root: number | undefined;
  let chosen: ChooseStep[] = [];
  for (const step of rule.steps) {
    if (step.op === "take") [root, chosen] = [step.item, []];
    else if (step.op === "choose" || step.op === "chooseleaf") chosen.push(step);
    else if (step.op === "emit" && root !== undefined) {
      const counts = chosen.map((each) => Math.max(0, countOf(each, replicas)));
      const emitted = Math.min(
        left,
        counts.reduce((product, count) => product * count, 1),
      );
      spread(context, root, chosen, emitted / replicas);
      left -= emitted;
    }
  }
  return shares;
}

interface Context {
  readonly map: CrushMap;
  readonly reweights: Uint32Array;
  readonly replicas: number;
  /** Weight below each bucket that is in; memo of {@link usableBelow}. */
  readonly usable: Map<number, number>;
  readonly shares: Map<number, number>;
}

const countOf = (step: ChooseStep, replicas: number): number =>
  step.count > 0 ? step.count : step.count + replicas;

/** Shares `amount` out below an item, step by step. */
function spread(
  context: Context,
  item: number,
  steps: readonly ChooseStep[],
  amount: number,
): void {
  const [step, ...rest] = steps;
  if (item >= 0) {
    context.shares.set(item, (context.shares.get(item) ?? 0) + amount);
    return;
  }
  const type = step?.type ?? 0;
  const domains = [...membersOf(context, item, type)];
  const most = amount / Math.max(1, step === undefined ? 1 : countOf(step, context.replicas));
  for (const [domain, part] of filled(domains, amount, most)) spread(context, domain, rest, part);
}

/** Items of a type below a bucket with the weight by which they are drawn. */
function membersOf(context: Context, item: number, type: number): Map<number, number> {
  const members = new Map<number, number>();
  const descend = (id: number, weight: number) => {
    const bucket = context.map.buckets.get(id);
    if (bucket === undefined || (bucket.type === type && id !== item)) {
      if (bucket !== undefined || type === 0) members.set(id, (members.get(id) ?? 0) + weight);
      return;
    }
    const parts = bucket.items.map((each) => usableItem(context, each.id, each.weight));
    const sum = parts.reduce((total, part) => total + part, 0);
    bucket.items.forEach((each, i) => {
      const part = parts[i] ?? 0;
      if (part > 0) descend(each.id, (weight * part) / sum);
    });
  };
  descend(item, 1);
  return members;
}

/** The weight of an item, lessened by what is out below it. */
function usableItem(context: Context, id: number, weight: number): number {
  if (id >= 0) return (weight * Math.min(WEIGHT_ONE, context.reweights[id] ?? 0)) / WEIGHT_ONE;
  return weight * usableBelow(context, id);
}

/** Which part of a bucket's weight is in, 0 … 1. */
function usableBelow(context: Context, id: number): number {
  const known = context.usable.get(id);
  if (known !== undefined) return known;
  const items = context.map.buckets.get(id)?.items ?? [];
  let all = 0;
  let usable = 0;
  for (const item of items) {
    all += item.weight;
    usable += usableItem(context, item.id, item.weight);
  }
  const part = all === 0 ? 0 : usable / all;
  context.usable.set(id, part);
  return part;
}

/** Shares `amount` by weight; what exceeds `most` for one goes to the others, as far as it fits. */
function filled(
  members: readonly (readonly [number, number])[],
  amount: number,
  most: number,
): Map<number, number> {
  const parts = new Map<number, number>();
  let open = members.filter(([, weight]) => weight > 0);
  let left = Math.min(amount, most * open.length);
  for (;;) {
    const sum = open.reduce((total, [, weight]) => total + weight, 0);
    const over = open.filter(([, weight]) => (left * weight) / sum > most);
    if (over.length === 0 || over.length === open.length) {
      for (const [id, weight] of open) parts.set(id, Math.min(most, (left * weight) / sum));
      return parts;
    }
    for (const [id] of over) parts.set(id, most);
    left -= most * over.length;
    open = open.filter(([id]) => !parts.has(id));
  }
}
