/**
 * How many devices a rule can reach at most, as `crushtool --test` reckons it for its expected
 * figures: a rough guess (shadows count as buckets, overriding steps as choices), kept as it is
 * because the output is compared.
 */
import { type CrushMap, deviceCount, type Rule, type Step, slotOf } from "./map.ts";

export function mostAffected(map: CrushMap, rule: Rule): number {
  const wanted = rule.steps.flatMap((step) => typeAndCount(step));
  const countOf = new Map(wanted.map(({ type, count }) => [type, count]));
  let most = Math.max(slotCount(map), deviceCount(map));
  for (const { type } of wanted) {
    let members = 0;
    for (const bucket of map.buckets.values()) if (bucket.type === type) members++;
    // A type that two steps name is counted twice.
    members *= wanted.filter((other) => other.type === type).length;
    const asked = countOf.get(type) ?? 0;
    if (asked > 0 && asked < members) members = asked;
    if (members > 0 && members < most) most = members;
  }
  return most;
}

function typeAndCount(step: Step): { type: number; count: number }[] {
  switch (step.op) {
    case "take":
    case "emit":
      return [];
    case "choose":
    case "chooseleaf":
      return [{ type: step.type, count: step.count }];
    default:
      return [{ type: 0, count: step.value }];
  }
}

/** Length of Ceph's table of buckets: 8, doubled until the lowest id fits. */
function slotCount(map: CrushMap): number {
  let slots = map.buckets.size === 0 ? 0 : 8;
  for (const id of map.buckets.keys()) while (slots <= slotOf(id)) slots *= 2;
  return slots;
}
