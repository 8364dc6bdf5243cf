/** One rule of a text map: resolves names of buckets, classes and types. */
import { limits } from "../../base/limits.ts";
import type { Rule, Step } from "../map.ts";
import { type Draft, refuse } from "./draft.ts";
import type { RuleBlock, StepLine } from "./syntax.ts";

export function compileRule(draft: Draft, block: RuleBlock): void {
  const title = block.name ?? `${block.id}`;
  if (block.name !== undefined && draft.ruleNames.has(block.name))
    refuse(`two rules are called ${block.name}`);
  if (draft.rules.has(block.id)) refuse(`rule ${title}: id ${block.id} is used twice`);
  if (block.id < 0 || block.id >= limits.crushRules)
    refuse(`rule ${title}: ids go from 0 to ${limits.crushRules - 1}, not ${block.id}`);
  if (block.name !== undefined) draft.ruleNames.add(block.name);
  const rule: Rule = {
    id: block.id,
    ...(block.name === undefined ? {} : { name: block.name }),
    kind: block.type,
    // One byte each in Ceph.
    minSize: block.minSize & 0xff,
    maxSize: block.maxSize & 0xff,
    steps: block.steps.map((line) => compileStep(draft, title, line)),
  };
  draft.rules.set(block.id, rule);
}

function compileStep(draft: Draft, rule: string, line: StepLine): Step {
  switch (line.op) {
    case "take":
      return { op: "take", item: takenItem(draft, rule, line) };
    case "emit":
      return line;
    case "choose":
    case "chooseleaf": {
      const type = draft.typeIds.get(line.type);
      if (type === undefined) refuse(`rule ${rule}: there is no type ${line.type}`);
      return { ...line, type };
    }
    default:
      return line;
  }
}

function takenItem(draft: Draft, rule: string, line: Extract<StepLine, { op: "take" }>): number {
  const id = draft.itemIds.get(line.item);
  if (id === undefined) refuse(`rule ${rule}: there is no device or bucket ${line.item}`);
  if (line.class === undefined) return id;
  if (!draft.classes.has(line.class)) refuse(`rule ${rule}: no device is of class ${line.class}`);
  const shadow = draft.shadows?.get(id)?.get(line.class);
  if (shadow === undefined)
    refuse(`rule ${rule}: ${line.item} has no devices by class ${line.class}`);
  return shadow;
}
