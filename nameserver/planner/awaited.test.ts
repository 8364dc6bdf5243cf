/** What blocks hang on beside those that hold something of them. */
import { expect, test } from "vitest";
import type { BlockId, DeviceId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import { Awaited } from "./awaited.ts";
import type { BlockView } from "./view.ts";

const [a, b, c] = ["a", "b", "c"] as DeviceId[] as [DeviceId, DeviceId, DeviceId];
const view = (
  members: readonly (DeviceId | null)[],
  wanted: readonly DeviceId[],
  held: DeviceId[],
) =>
  ({
    row: { members },
    wanted,
    holders: new Map(held.map((one) => [one, {}])),
  }) as unknown as BlockView;
const one = 1 as BlockId;

test("a block hangs on members and places that hold nothing of it, until they do", () => {
  const awaited = new Awaited();
  awaited.looked(one, view([a, null, b], [b, c, b], [a]));
  expect([...awaited.of(a)]).toEqual([]);
  expect([...awaited.of(b)]).toEqual([one]);
  expect([...awaited.of(c)]).toEqual([one]);
  awaited.looked(one, view([a, c, b], [b, c, b], [a, b, c]));
  expect([...awaited.of(b), ...awaited.of(c)]).toEqual([]);
  awaited.looked(one, view([a], [b], []));
  awaited.looked(one, undefined);
  expect([...awaited.of(a), ...awaited.of(b)]).toEqual([]);
});

test("it says when there are more than it remembers, until it begins anew", () => {
  const awaited = new Awaited();
  const lacking = view([a, b], [], []);
  for (let block = 1; block <= limits.healingAwaited / 2; block++)
    awaited.looked(block as BlockId, lacking);
  expect(awaited.isWhole).toBe(true);
  awaited.looked((limits.healingAwaited + 1) as BlockId, lacking);
  expect(awaited.isWhole).toBe(false);
  awaited.clear();
  expect(awaited.isWhole).toBe(true);
  expect([...awaited.of(a)]).toEqual([]);
});
