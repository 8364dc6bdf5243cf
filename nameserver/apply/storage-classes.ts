/** Commands on storage classes: which pools the objects of one go to. */
import { QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import type { Command, CommandResult } from "../../rpc/commands.ts";
import { STANDARD } from "../../rpc/pool.ts";
import { keys } from "../keyspace.ts";
import type { StorageClassRow } from "../rows.ts";
import { demand, mapOf, raiseEpoch } from "./cluster-map.ts";
import type { ApplyContext } from "./context.ts";
import { poolRow } from "./pools.ts";

type Of<Type extends Command["type"]> = Extract<Command, { type: Type }>;

const NAME = /^[A-Z][A-Z0-9_-]{0,63}$/;
/** The first is there without a row. */
const ALWAYS = 1;

export function setStorageClass(
  context: ApplyContext,
  { storageClass }: Of<"setStorageClass">,
): CommandResult {
  const { name, small, large, thresholdBytes } = storageClass;
  demand(NAME.test(name), `${name} is no storage class: use capital letters, digits, - and _`);
  demand(
    Number.isSafeInteger(thresholdBytes) && thresholdBytes >= 0,
    "the threshold is a number of bytes",
  );
  demand(
    poolRow(context, small).scheme.k === 1,
    "small objects go to a pool with k = 1: pieces of them would be tiny",
  );
  poolRow(context, large);
  const before = classRow(context, name);
  const storageClasses = (mapOf(context).storageClasses ?? ALWAYS) + (before === undefined ? 1 : 0);
  if (storageClasses > limits.storageClasses)
    throw new QuarryError("QuotaExceeded", `there are ${limits.storageClasses} storage classes`);
  if (before !== undefined) count(context, before, -1);
  const row = { small, large, thresholdBytes };
  count(context, row, 1);
  context.rows.put(keys.storageClass(name), row);
  return raiseEpoch(context, { storageClasses });
}

export function removeStorageClass(
  context: ApplyContext,
  { name }: Of<"removeStorageClass">,
): CommandResult {
  demand(name !== STANDARD.name, "STANDARD stays: it is what objects have that name no other");
  const before = classRow(context, name);
  if (before === undefined) throw noSuchClass(name);
  count(context, before, -1);
  context.rows.delete(keys.storageClass(name));
  const storageClasses = (mapOf(context).storageClasses ?? ALWAYS) - 1;
  return raiseEpoch(context, { storageClasses });
}

/** @throws QuarryError `NoSuchStorageClass` when an object cannot have this one. */
export function checkStorageClass(context: ApplyContext, name: string | null | undefined): void {
  if (name !== undefined && name !== null && classRow(context, name) === undefined)
    throw noSuchClass(name);
}

const noSuchClass = (name: string) =>
  new QuarryError("NoSuchStorageClass", `there is no storage class ${name}`);

function classRow({ rows }: ApplyContext, name: string): StorageClassRow | undefined {
  return rows.get(keys.storageClass(name)) ?? (name === STANDARD.name ? STANDARD : undefined);
}

/** Pools know how many classes name them. */
function count(context: ApplyContext, { small, large }: StorageClassRow, by: 1 | -1): void {
  const { rows } = context;
  const first = poolRow(context, small);
  rows.put(keys.pool(small), { ...first, smallOf: first.smallOf + by });
  const second = poolRow(context, large);
  rows.put(keys.pool(large), { ...second, largeOf: second.largeOf + by });
}
