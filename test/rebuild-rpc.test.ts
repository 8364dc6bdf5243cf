/** Members of a block are made anew from dataservers that are reached over the network. */
import { expect, test } from "vitest";
import type { NeedleId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import { seededRandom } from "../base/random.ts";
import { Members } from "./members-fixture.ts";
import { pair } from "./rpc-pair.ts";

test.each([
  { k: 1, m: 1 },
  { k: 2, m: 1 },
])("$k+$m, small needles and such as are larger than an answer usually is", async (scheme) => {
  const members = await Members.open(scheme);
  const random = seededRandom(1);
  for (const bytes of [0, 1, 5000, 70_000, 3_000_000, 4 * 2 ** 20])
    await members.store(random.needleId(), random.bytes(bytes));
  for (let n = 0; n < 300; n++) await members.store(random.needleId(), random.bytes(n));
  const [gone] = members.stored.keys();
  await members.remove(gone as NeedleId);
  await members.seal();
  await using lines = new AsyncDisposableStack();
  const spare = scheme.k + scheme.m;
  const served = await Promise.all(members.servers.map((server) => pair(server)));
  for (const line of served) lines.use(line);
  members.reach = (i) => served[i]?.blocks ?? members.server(i);
  const target = served[spare];
  const { status, lostCount } = (await target?.blocks.rebuild(members.order(0, spare))) ?? {};
  expect(lostCount).toBe(0);
  expect(status?.needles).toBe(members.stored.size);
  for (const [needle, pieces] of members.stored)
    expect(await members.load(spare, needle)).toEqual(pieces[0]);
  const mark = { era: 0, number: 0 };
  const report = await target?.blocks.report(members.at(spare).device, mark, limits.reportBlocks);
  expect(report?.blocks).toEqual([status]);
  expect(await target?.blocks.rebuilds(members.at(spare).device)).toEqual([]);
  for (const line of served) expect(line.reported).toEqual([]);
});
