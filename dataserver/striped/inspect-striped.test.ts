/** What fsck and rescue find in a striped block: every needle somewhere, and damage where it is. */
import { expect, test } from "vitest";
import type { NeedleId } from "../../base/ids.ts";
import { BLOCK, DIRECTORY, FILE } from "../../test/members-fixture.ts";
import { converted, packed, type Where } from "../../test/striped-fixture.ts";
import { type InspectedBlock, inspectBlock, ownersIn } from "../inspect.ts";
import { InspectedNeedles } from "../inspected-needles.ts";

const whole: Where = {
  ...{ layout: "whole", scheme: { k: 1, m: 2 }, generation: 1 },
  servers: [0, 1, 2],
};
const at: Where = {
  ...{ layout: "striped", scheme: { k: 3, m: 2 }, generation: 2 },
  servers: [1, 2, 3, 4, 5],
};

test("every needle is read at one of the members, and all know whose it is", async () => {
  const members = await packed(at.scheme, 50);
  await converted(members, whole, at);
  const [gone = 0n as NeedleId] = members.stored.keys();
  for (const i of at.servers) await members.server(i).remove(members.at(i, 2), [gone]);
  members.stored.delete(gone);
  const found: InspectedBlock[] = [];
  for (const i of at.servers) {
    const disk = members.disks[i];
    if (disk === undefined) throw new Error("no disk");
    await members.server(i)[Symbol.asyncDispose]();
    let told = 0;
    const member = await inspectBlock(disk, DIRECTORY, BLOCK, () => void told++);
    found.push(member);
    expect(member.damage).toEqual([]);
    expect(told).toBeGreaterThanOrEqual(members.stored.size);
    const owners = [];
    for await (const { needle, blob, chunk } of ownersIn(member))
      owners.push({ needle, blob, chunk });
    expect(owners.length).toBe(members.stored.size);
    for (const { needle, blob, chunk } of owners)
      expect({ blob, chunk }).toEqual({ blob: Number(needle % 1000n), chunk: 3 });
  }
  const readFrom = (some: readonly InspectedBlock[]) => {
    const needles = new InspectedNeedles();
    for (const member of some) needles.add(member);
    return (needle: NeedleId) => needles.read(BLOCK, needle);
  };
  for (const some of [found, found.slice(2), found.slice(0, 3), found.toSpliced(1, 2)])
    for (const [needle, [content]] of members.stored)
      expect(await readFrom(some)(needle)).toEqual(content);
  // Of two only what stands in their own ranges is there.
  const left = [...members.stored.keys()].map(readFrom(found.slice(0, 2)));
  const lacking = (await Promise.all(left)).filter((bytes) => bytes === undefined).length;
  expect(lacking).toBeGreaterThan(0);
  expect(lacking).toBeLessThan(members.stored.size);
});

test("a flipped bit is told, with the needles that it harms", async () => {
  const members = await packed(at.scheme, 50);
  await converted(members, whole, at);
  const disk = members.disks[1];
  await members.server(1)[Symbol.asyncDispose]();
  disk?.flip(FILE, 64 + 100);
  if (disk === undefined) throw new Error("no disk");
  const found = await inspectBlock(disk, DIRECTORY, BLOCK, () => undefined);
  expect(found.damage).toEqual([{ offset: 64, lengthBytes: 65_536 }]);
  expect(found.harmed.size).toBeGreaterThan(0);
  const { length } = disk.contentOf(FILE) ?? [];
  disk.flip(FILE, (length ?? 0) - 20);
  const { damage } = await inspectBlock(disk, DIRECTORY, BLOCK, () => undefined);
  // Without its sums nothing can be told of the range.
  expect(damage.map(({ offset, lengthBytes }) => offset + lengthBytes)).toEqual([length]);
});
