/**
 * Places of the cluster map: regions, zones, racks, hosts. Each is given its id when a device first
 * stands in it, and keeps it for ever, since CRUSH draws with it: so does its shadow for a class.
 */
import { QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import type { Location, Place } from "../../rpc/cluster-map.ts";
import { keys, type RowKey } from "../keyspace.ts";
import type { PlaceRow } from "../rows.ts";
import type { ApplyContext } from "./context.ts";

const ROOT = "default";
const NO_PARENT = 0;

/** Makes sure of a host and all that it lies in, with shadows for these classes. */
export function ensurePlaces(
  context: ApplyContext,
  { region, zone, rack, host }: Location,
  classes: Iterable<string>,
  given: number,
): { readonly host: number; readonly given: number } {
  const levels: readonly (readonly [Place["type"], string | undefined])[] = [
    ["root", ROOT],
    ["region", region],
    ["zone", zone],
    ["rack", rack],
    ["host", host],
  ];
  const wanted = [...new Set(classes)];
  let at = NO_PARENT;
  let ids = given;
  for (const [type, name] of levels) {
    if (name === undefined) continue;
    const placed = ensurePlace(context, keys.place(at, type, name), wanted, ids);
    at = placed.id;
    ids = placed.given;
  }
  if (ids > limits.placeIds)
    throw new QuarryError("QuotaExceeded", `there were ${limits.placeIds} places already`);
  return { host: at, given: ids };
}

function ensurePlace(
  { rows }: ApplyContext,
  key: RowKey<PlaceRow>,
  classes: readonly string[],
  given: number,
): { readonly id: number; readonly given: number } {
  let ids = given;
  const next = () => -++ids;
  const known = rows.get(key);
  const id = known?.id ?? next();
  const shadows = { ...known?.shadows };
  for (const kind of classes) shadows[kind] ??= next();
  if (Object.keys(shadows).length > limits.deviceClasses)
    throw new QuarryError("QuotaExceeded", `a place has at most ${limits.deviceClasses} classes`);
  if (ids !== given) rows.put(key, { id, shadows });
  return { id, given: ids };
}
