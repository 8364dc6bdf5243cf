/** What a block gives to other dataservers: in order, bounded, and all that can be read. */
import { describe, expect, test } from "vitest";
import { QuarryError } from "../base/errors.ts";
import type { NeedleId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import { FILE, Members } from "../test/members-fixture.ts";

const id = (n: number) => BigInt(n) as NeedleId;
const all = (count: number) => Array.from({ length: count }, (_, i) => id(i + 1));

test("what is handed out is bounded, in order, and complete in steps", async () => {
  const members = await Members.open({ k: 1, m: 0 });
  for (let n = 1; n <= 40; n++) await members.store(id(n), Buffer.alloc(100_000, n));
  const all = [...members.stored.keys()].reverse();
  const got: NeedleId[] = [];
  while (got.length < all.length) {
    const { needles, absent, data } = await members
      .server(0)
      .fetch(members.at(0), [id(999), ...all.slice(got.length)]);
    expect(absent).toEqual([id(999)]);
    expect(data.length).toBeLessThanOrEqual(limits.fetchBytes);
    for (const { needle, at, lengthBytes } of needles)
      expect(
        Buffer.from(data.subarray(at, at + lengthBytes)).every((b) => b === Number(needle)),
      ).toBe(true);
    got.push(...needles.map(({ needle }) => needle));
  }
  expect(got).toEqual(all);
});

describe("a run of neighbours that cannot be read at once", () => {
  const LENGTH = 1000;
  const RECORD = 1048;
  const recordAt = (n: number) => 64 + (n - 1) * RECORD;

  async function five() {
    const members = await Members.open({ k: 1, m: 0 });
    for (let n = 1; n <= 5; n++) await members.store(id(n), Buffer.alloc(LENGTH, n));
    await members.seal();
    const disk = members.disks[0];
    if (disk === undefined) throw new Error("there is no disk");
    expect(disk.contentOf(FILE).readBigUInt64LE(recordAt(5) + 8)).toBe(5n);
    return { members, disk, server: members.server(0), at: members.at(0) };
  }

  test.each([false, true])("is read needle by needle, checked: %s", async (check) => {
    const { disk, server, at } = await five();
    const bad = recordAt(3) + 500;
    disk.failReads((path, from, end) => path === FILE && from <= bad && bad < end);
    const { needles, absent, data } = await server.fetch(at, all(5), check);
    expect(absent).toEqual([id(3)]);
    expect(needles.map(({ needle }) => needle)).toEqual([1, 2, 4, 5].map(id));
    for (const { needle, at: from, lengthBytes } of needles)
      expect(data.subarray(from, from + lengthBytes)).toEqual(Buffer.alloc(LENGTH, Number(needle)));
    const [status] = await server.blocks(at.device, 0, 1);
    expect(status?.damage).toEqual([{ offset: recordAt(3), lengthBytes: RECORD }]);
    // Nothing else was noted: a disk that reads again gives all the others.
    disk.failReads(undefined);
    expect((await server.fetch(at, all(5), check)).absent).toEqual([]);
  });

  test("harms nobody when it is for another reason", async () => {
    const { disk, server, at } = await five();
    let left = 1;
    disk.failReads(() => {
      if (left-- > 0) throw new QuarryError("Busy", "too many open files");
      return false;
    });
    await expect(server.fetch(at, all(5))).rejects.toMatchObject({ code: "Busy" });
    const [status] = await server.blocks(at.device, 0, 1);
    expect(status?.damage).toEqual([]);
    expect((await server.fetch(at, all(5))).absent).toEqual([]);
  });
});
