/** Members of striped blocks are made anew: lost ones, harmed ones, with removals in between. */
import { describe, expect, test } from "vitest";
import type { NeedleId } from "../../base/ids.ts";
import { seededRandom } from "../../base/random.ts";
import type { RebuildOrder } from "../../rpc/healing-service.ts";
import { DIRECTORY, FILE, type Members } from "../../test/members-fixture.ts";
import { converted, loadStriped, packed, type Where } from "../../test/striped-fixture.ts";

const whole: Where = {
  ...{ layout: "whole", scheme: { k: 1, m: 2 }, generation: 1 },
  servers: [0, 1, 2],
};
const at: Where = {
  ...{ layout: "striped", scheme: { k: 4, m: 2 }, generation: 2 },
  servers: [1, 2, 3, 4, 5, 6],
};

async function striped(needles = 40, seed = 1): Promise<Members> {
  const members = await packed(at.scheme, needles, 3, seed);
  await converted(members, whole, at);
  // What was a member of the copies only is none any more: room to make others.
  await members.server(0).retire({ ...members.at(0), surplus: true });
  return members;
}

function order(members: Members, piece: number, to: number): RebuildOrder {
  const sources = at.servers.flatMap((i, p) =>
    i === to || p === piece ? [] : [{ piece: p, device: members.at(i).device, address: String(i) }],
  );
  const { scheme, generation } = at;
  return { ...members.at(to, generation), piece, scheme, layout: "striped", sources };
}

async function expectAll(members: Members, servers: readonly number[]): Promise<void> {
  for (const [needle, [content]] of members.stored)
    expect((await loadStriped(members, servers, 4, needle)).data).toEqual(content);
  let digest = 0n;
  for (const needle of members.stored.keys()) digest ^= needle;
  for (const i of servers) {
    const { device } = members.at(i);
    const { bad } = await members.server(i).scrub(device, { bytesPerSecond: 2 ** 50 });
    expect(bad).toBe(0);
    expect((await members.server(i).blocks(device, 0, 1))[0]).toMatchObject({ digest, damage: [] });
  }
}

async function restart(members: Members, i: number): Promise<void> {
  await members.server(i)[Symbol.asyncDispose]();
  await members.start(i);
}

describe("a lost member", () => {
  test.each([0, 3, 4, 5])("at position %i is what it was", async (piece) => {
    const members = await striped();
    const lost = at.servers[piece] ?? 0;
    const before = members.disks[lost]?.contentOf(FILE);
    members.down.add(lost);
    const { status } = await members.server(0).rebuild(order(members, piece, 0));
    expect(members.disks[0]?.contentOf(FILE)).toEqual(before);
    expect(status.fileBytes).toBe(before?.length);
    const servers = at.servers.map((i) => (i === lost ? 0 : i));
    await expectAll(members, servers);
    await restart(members, 0);
    await expectAll(members, servers);
  });

  test("knows of every removal that some member knows", async () => {
    const members = await striped();
    const [gone = 0n as NeedleId, half = 0n as NeedleId] = members.stored.keys();
    for (const i of at.servers) await members.server(i).remove(members.at(i, 2), [gone]);
    await members.server(4).remove(members.at(4, 2), [half]);
    await members.server(0).rebuild(order(members, 0, 0));
    await restart(members, 0);
    for (const needle of [gone, half]) {
      const read = { ...members.at(0, 2), needle, offset: 0, lengthBytes: 1 };
      expect((await members.server(0).read(read)).kind).toBe("missing");
    }
    const [status] = await members.server(0).blocks(members.at(0).device, 0, 1);
    expect(status?.needles).toBe(members.stored.size - 2);
  });

  test("is made with two away, not with three", async () => {
    const members = await striped();
    members.down.add(2).add(3);
    members.down.add(1);
    const making = members.server(0).rebuild(order(members, 0, 0));
    await expect(making).rejects.toMatchObject({ code: "TooFewPieces" });
    members.down.delete(3);
    await members.server(0).rebuild(order(members, 0, 0));
    members.down.clear();
    await expectAll(members, [0, 2, 3, 4, 5, 6]);
  });
});

describe("harmed members", () => {
  test.each([1, 2, 3])("are whole again in place, seed %i", async (seed) => {
    const members = await striped(60, seed);
    const random = seededRandom(seed);
    // Two members, everywhere; a third one where the two are not.
    for (const i of [1, 5]) {
      const { length } = members.disks[i]?.contentOf(FILE) ?? [];
      for (let n = 0; n < 20; n++)
        members.disks[i]?.flip(FILE, 64 + (random.u32() % ((length ?? 0) - 64)), 1 << (n % 8));
    }
    for (const [position, i] of at.servers.entries()) {
      if (i !== 1 && i !== 5) continue;
      const { device } = members.at(i);
      await members.server(i).scrub(device, { bytesPerSecond: 2 ** 50 });
      const [harmed] = await members.server(i).blocks(device, 0, 1);
      expect(harmed?.damage.length).toBeGreaterThan(0);
      await members.server(i).rebuild(order(members, position, i));
    }
    await expectAll(members, at.servers);
  });

  test("every flipped bit of a member's file is found, and no wrong byte is served", async () => {
    const members = await striped(25, 4);
    const random = seededRandom(4);
    const content = members.disks[2]?.contentOf(FILE) ?? Buffer.alloc(0);
    for (let n = 0; n < 50; n++) {
      const offset = random.u32() % content.length;
      members.disks[2]?.flip(FILE, offset, 1 << (n % 8));
      const { device } = members.at(2);
      if (n % 3 === 0) {
        await members.server(2)[Symbol.asyncDispose]();
        await members.disks[2]?.remove(`${DIRECTORY}/00000007.index`);
        await members.start(2);
      }
      const { bad } = await members.server(2).scrub(device, { bytesPerSecond: 2 ** 50 });
      const [status] = await members.server(2).blocks(device, 0, 1);
      expect(bad + (status?.damage.length ?? 0)).toBeGreaterThan(0);
      for (const [needle, [right]] of members.stored) {
        const found = await members.load(2, needle);
        if (Buffer.isBuffer(found)) expect(found).toEqual(right);
        else expect(["elsewhere", "damaged", "missing"]).toContain(found);
      }
      await members.server(2).rebuild(order(members, 1, 2));
      expect(members.disks[2]?.contentOf(FILE)).toEqual(content);
    }
  }, 60_000);
});

test("one flipped bit harms one needle, though its whole span is known as damaged", async () => {
  const members = await striped(60);
  members.disks[1]?.flip(FILE, 64 + 40);
  const { device } = members.at(1);
  await members.server(1).scrub(device, { bytesPerSecond: 2 ** 50 });
  const kinds = new Map<string, number>();
  for (const [needle, [content]] of members.stored) {
    const found = await members.load(1, needle);
    if (Buffer.isBuffer(found)) expect(found).toEqual(content);
    const kind = typeof found === "string" ? found : "data";
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  expect(kinds.get("damaged")).toBe(1);
  expect(kinds.get("data")).toBeGreaterThan(3);
});
