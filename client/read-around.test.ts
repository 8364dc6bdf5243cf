/** Whom a read asks, whom it reads around, and what it tells of them. */
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { sleep } from "../base/clock.ts";
import { QuarryError } from "../base/errors.ts";
import type { DeviceId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import type { Chunk } from "../rpc/objects.ts";
import { hastyClock, owner, PieceMembers } from "../test/piece-members.ts";
import { appendChunk } from "./append-chunk.ts";
import { Latencies } from "./latencies.ts";
import { readWindow } from "./read-window.ts";

const split = { k: 4, m: 2 };
const copies = { k: 1, m: 2 };

async function fixture(scheme: typeof split, lengthBytes = 400_000) {
  const members = await PieceMembers.open(scheme, 11, { spare: 1 });
  await members.addBlock();
  const content = members.random.bytes(lengthBytes);
  const chunk = await appendChunk(members.context, owner, content);
  return { members, content, chunk };
}

const positions = (members: PieceMembers) =>
  members.asked.splice(0).map((device) => members.devices.indexOf(device));

const whole = (chunk: Chunk) => ({ chunk, from: 0, lengthBytes: chunk.lengthBytes });

describe("whom a read asks", () => {
  test("only the data pieces that have the bytes", async () => {
    const { members, content, chunk } = await fixture(split);
    await using _ = members;
    const read = await readWindow(members.context, { chunk, from: 150_000, lengthBytes: 100_000 });
    expect(content.subarray(150_000, 250_000).equals(read)).toBe(true);
    expect(positions(members).sort()).toEqual([1, 2]);
    await readWindow(members.context, { chunk, from: 300_000, lengthBytes: 1 });
    expect(positions(members)).toEqual([3]);
    await readWindow(members.context, whole(chunk));
    expect(positions(members).sort()).toEqual([0, 1, 2, 3]);
  });

  test("one more for each that is wrong, and any k for a range of a lost piece", async () => {
    const { members, content, chunk } = await fixture(split);
    await using _ = members;
    members.fault([1, 3], "lie");
    expect(content.equals(await readWindow(members.context, whole(chunk)))).toBe(true);
    expect(positions(members).sort()).toEqual([0, 1, 2, 3, 4, 5]);
    const range = { chunk, from: 100_000, lengthBytes: 10 };
    expect(
      content.subarray(100_000, 100_010).equals(await readWindow(members.context, range)),
    ).toBe(true);
    expect(positions(members).sort()).toEqual([0, 1, 2, 3, 4, 5]);
  });

  test("any member of a whole block, the same one for one needle", async () => {
    const { members, chunk } = await fixture(copies);
    await using _ = members;
    for (let i = 0; i < 3; i++) await readWindow(members.context, whole(chunk));
    expect(new Set(positions(members)).size).toBe(1);
    const begun = new Set<number | undefined>();
    for (let i = 0; i < 20; i++) {
      const other = await appendChunk(members.context, owner, members.random.bytes(100));
      await readWindow(members.context, whole(other));
      begun.add(positions(members)[0]);
    }
    expect(begun.size).toBe(3);
  });

  test("holes are passed over", async () => {
    await using members = await PieceMembers.open(split, 12);
    await members.addBlock(members.devices.map((device, at) => (at === 2 ? null : device)));
    const content = members.random.bytes(50_000);
    const chunk = await appendChunk(members.context, owner, content);
    expect(content.equals(await readWindow(members.context, whole(chunk)))).toBe(true);
    members.fault([4], "away");
    expect(content.equals(await readWindow(members.context, whole(chunk)))).toBe(true);
    members.fault([5], "away");
    const reading = readWindow(members.context, whole(chunk));
    await expect(reading).rejects.toMatchObject({ code: "Unavailable" });
    members.fault([4, 5], "lie");
    const again = readWindow(members.context, whole(chunk));
    await expect(again).rejects.toMatchObject({ code: "Damaged" });
  });
});

describe("a member that is late", () => {
  test("is read around, and not waited for again while it is known to be slow", async () => {
    const { members, content, chunk } = await fixture(split);
    await using _ = members;
    // Nobody gives it up: it is asked another.
    const after = (delayMs: number, run: () => void) =>
      delayMs < limits.blockReadMs ? hastyClock.after(delayMs, run) : { cancel: () => undefined };
    // For as long as this test may take.
    const latencies = new Latencies({ ...hastyClock, monotonicMs: () => 0 });
    members.context = { ...members.context, clock: { ...hastyClock, after }, latencies };
    members.fault([0], "late");
    expect(content.equals(await readWindow(members.context, whole(chunk)))).toBe(true);
    expect(positions(members)).toHaveLength(5);
    // Asked at once instead of it.
    expect(content.equals(await readWindow(members.context, whole(chunk)))).toBe(true);
    expect(positions(members).sort()).toEqual([1, 2, 3, 4]);
    members.release();
    await turn();
  });

  test("is not one whose answer was not looked at, as this process stood still", async () => {
    const { members, content, chunk } = await fixture(copies);
    await using _ = members;
    let nowMs = 0;
    const timers: (() => void)[] = [];
    const after = (_delayMs: number, run: () => void) => {
      timers.push(run);
      return { cancel: () => undefined };
    };
    members.context = {
      ...members.context,
      clock: { nowMs: () => nowMs, monotonicMs: () => nowMs, after },
    };
    members.fault([0, 1, 2], "late");
    const reading = readWindow(members.context, whole(chunk));
    while (timers.length < 1) await turn();
    nowMs = 10_000;
    timers[0]?.();
    await turn();
    expect(members.asked).toHaveLength(1);
    expect(timers).toHaveLength(2);
    timers[1]?.();
    while (members.asked.length < 2) await turn();
    members.release();
    expect(content.equals(await reading)).toBe(true);
    members.release();
  });

  test.each([copies, split, { k: 1, m: 0 }])(
    "and without whom the others do not suffice is not asked twice ($k+$m)",
    async (scheme) => {
      const { members, chunk } = await fixture(scheme);
      await using _ = members;
      const hung = Array.from({ length: scheme.m + 1 }, (_, position) => position);
      members.fault(hung, "hang");
      if (scheme.m === 0) {
        // Of a single member the way to it says when that is too long.
        const { serviceOf } = members.context;
        const giveUp = async () => {
          throw new QuarryError("Timeout", "no answer");
        };
        const slow: typeof serviceOf = (device) => ({
          ...serviceOf(device),
          read: () => {
            members.asked.push(device);
            return sleep(hastyClock, limits.blockReadMs).then(giveUp);
          },
        });
        members.context = { ...members.context, serviceOf: slow };
      }
      const reading = readWindow(members.context, whole(chunk));
      await expect(reading).rejects.toMatchObject({ code: "Unavailable" });
      const asked = positions(members);
      expect(asked.length).toBe(new Set(asked).size);
      expect(members.told).toEqual([]);
    },
  );

  test("counts when it comes first after all", async () => {
    const { members, content, chunk } = await fixture(copies);
    await using _ = members;
    members.fault([0, 1, 2], "late");
    const reading = readWindow(members.context, whole(chunk));
    while (members.asked.length < 2) await turn();
    members.release();
    expect(content.equals(await reading)).toBe(true);
    members.release();
  });
});

describe("what is found wrong", () => {
  test.each(["lie", "missing", "damaged"] as const)("%s is told, once", async (fault) => {
    for (const scheme of [copies, split]) {
      const { members, chunk } = await fixture(scheme);
      await using _ = members;
      const position = scheme.k === 1 ? chunk.crc32c % 3 : 2;
      members.fault([position], fault);
      for (let i = 0; i < 3; i++) await readWindow(members.context, whole(chunk));
      const what = fault === "lie" ? "wrong" : fault;
      expect(members.told).toEqual([{ block: 1, position, needle: chunk.needle, what }]);
    }
  });

  test("one that is away is not told of: it may have the bytes", async () => {
    const { members, chunk } = await fixture(split);
    await using _ = members;
    members.fault([0], "away");
    await readWindow(members.context, whole(chunk));
    expect(members.told).toEqual([]);
  });

  test("pieces that are whole, but of another position, are read around", async () => {
    const { members, content, chunk } = await fixture(split);
    await using _ = members;
    const [block] = members.blocks;
    if (block === undefined) throw new Error("a block was added");
    // Two members changed places since the client asked: each piece is as it was written.
    const [first, second, ...others] = block.members as DeviceId[];
    members.blocks[0] = { ...block, members: [second, first, ...others] as DeviceId[] };
    const range = { chunk, from: 5, lengthBytes: 1000 };
    for (let i = 0; i < 2; i++) {
      expect(content.subarray(5, 1005).equals(await readWindow(members.context, range))).toBe(true);
      expect(content.equals(await readWindow(members.context, whole(chunk)))).toBe(true);
    }
    expect(members.told).toEqual([]);
  });
});

describe("where a block is now", () => {
  test("is asked when no member has it any more", async () => {
    const { members, content, chunk } = await fixture({ k: 1, m: 0 });
    await using _ = members;
    await readWindow(members.context, whole(chunk));
    // It was moved: another device has it, and the one before has forgotten it.
    const { server, devices } = members;
    const [from, to] = devices as [DeviceId, DeviceId];
    const { block, needle } = chunk;
    await server.createBlock({ device: to, block, generation: 1 });
    const read = await server.read({
      device: from,
      block,
      needle,
      offset: 0,
      lengthBytes: 400_000,
    });
    if (read.kind !== "data") throw new Error("the needle is there");
    const { data, checksums } = read;
    await server.append(
      { device: to, block, generation: 1, needle, owner, lengthBytes: 400_000, checksums },
      data,
    );
    await server.remove({ device: from, block, generation: 1 }, [needle]);
    await server.retire({ device: from, block, generation: 1 });
    const [was] = members.blocks;
    if (was !== undefined) members.blocks[0] = { ...was, members: [to] };
    expect(content.equals(await readWindow(members.context, whole(chunk)))).toBe(true);
  });
});

describe("generations", () => {
  test("pieces of two of them are never put together", async () => {
    const { members, content, chunk } = await fixture(split);
    await using _ = members;
    // Two have switched, one is away: four of one generation are not there.
    members.fault([0, 4], "newer");
    members.fault([1], "away");
    const range = { chunk, from: 100_000, lengthBytes: 1000 };
    await expect(readWindow(members.context, range)).rejects.toMatchObject({ code: "Unavailable" });
    await expect(readWindow(members.context, whole(chunk))).rejects.toMatchObject({
      code: "Unavailable",
    });
    members.faults.delete(members.devices[4] as DeviceId);
    expect(content.equals(await readWindow(members.context, whole(chunk)))).toBe(true);
  });

  test("all of a newer one are read before the client knows of it", async () => {
    const { members, content, chunk } = await fixture(split);
    await using _ = members;
    members.fault([0, 1, 2, 3, 4, 5], "newer");
    expect(content.equals(await readWindow(members.context, whole(chunk)))).toBe(true);
  });

  test("while members switch the reader waits for them", async () => {
    const { members, content, chunk } = await fixture(split);
    await using _ = members;
    members.fault([0, 1, 2], "newer");
    const reading = readWindow(members.context, whole(chunk));
    while (members.asked.length < 12) await turn();
    members.fault([3, 4, 5], "newer");
    expect(content.equals(await reading)).toBe(true);
  });
});
