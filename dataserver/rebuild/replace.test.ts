/** A device that has another piece of the block: it gives way where the order says so, and nothing is lost by it. */
import { describe, expect, test } from "vitest";
import type { NeedleId } from "../../base/ids.ts";
import { seededRandom } from "../../base/random.ts";
import { FILE, Members } from "../../test/members-fixture.ts";

const SCHEME = { k: 2, m: 1 };
const SPARE = 3;
const FIRST = 64 + 32;
const id = (n: number) => BigInt(n) as NeedleId;

/** Piece 1 is on the spare one, too; piece 0 is away. */
async function moved(more?: (members: Members) => Promise<void>): Promise<Members> {
  const members = await Members.open(SCHEME);
  const random = seededRandom(4);
  for (let n = 1; n <= 8; n++)
    await members.store(id(n), random.bytes([5000, 9, 4096, 90_001][n % 4] ?? 0));
  await more?.(members);
  await members.seal();
  const from = { piece: 1, device: members.at(1).device, address: "1" };
  await members.server(SPARE).rebuild(members.order(1, SPARE, { sources: [from] }));
  members.down.add(0);
  return members;
}

const replace = (members: Members, more = {}) =>
  members.server(SPARE).rebuild(members.order(0, SPARE, { replaces: 1, ...more }));

async function expectPiece(members: Members, piece: number): Promise<void> {
  for (const [needle, pieces] of members.stored)
    expect(await members.load(SPARE, needle)).toEqual(pieces[piece]);
  const [status] = await members.server(SPARE).blocks(members.at(SPARE).device, 0, 1);
  expect(status).toMatchObject({ piece: { piece, scheme: SCHEME }, sealed: true, damage: [] });
}

describe("a device that has another piece", () => {
  test("makes the one that is wanted in its place, also after a restart, and the same order again ends", async () => {
    const members = await moved();
    await members.remove(id(3), [2]);
    members.stored.delete(id(3));
    expect((await replace(members)).lostCount).toBe(0);
    await expectPiece(members, 0);
    expect(await members.load(SPARE, id(3))).toBe("missing");
    await members.server(SPARE)[Symbol.asyncDispose]();
    await members.start(SPARE);
    await expectPiece(members, 0);
    await replace(members);
    await expectPiece(members, 0);
  });

  test("refuses when the order does not say so, or speaks of another", async () => {
    const members = await moved();
    for (const order of [{ replaces: undefined }, { replaces: 2 }])
      await expect(replace(members, order)).rejects.toMatchObject({ code: "InvalidArgument" });
    await expectPiece(members, 1);
  });

  test("is a source until then: what its member has harmed is taken from it", async () => {
    const members = await moved();
    members.disks[1]?.flip(FILE, FIRST + 40);
    expect((await replace(members)).lostCount).toBe(0);
    await expectPiece(members, 0);
  });

  test("knows what was removed from it meanwhile", async () => {
    const members = await moved();
    const replacing = replace(members);
    await members.server(SPARE).remove(members.at(SPARE), [id(2)]);
    members.stored.delete(id(2));
    await replacing;
    await expectPiece(members, 0);
    expect(await members.load(SPARE, id(2))).toBe("missing");
  });

  test("keeps what nobody else has", async () => {
    const orphan = Buffer.alloc(5000, 7);
    const members = await moved((all) => all.store(id(77), orphan, [1]));
    const file = members.disks[1];
    const at = file?.contentOf(FILE).indexOf(Buffer.alloc(64, 7)) ?? 0;
    expect(at).toBeGreaterThan(0);
    file?.flip(FILE, at);
    await expect(replace(members)).rejects.toThrow("the block stays as it is");
    await expectPiece(members, 1);
    expect(await members.load(SPARE, id(77))).toBeInstanceOf(Buffer);
    // Its member has the same: so it may go here.
    file?.flip(FILE, at);
    expect((await replace(members)).lost).toEqual([id(77)]);
    await expectPiece(members, 0);
  });
});

test("who is made anew from a device whose piece is another one by now begins anew", async () => {
  const members = await moved();
  const before = members.reach;
  let isExchanged = false;
  // Between what it said it has and what is fetched.
  members.reach = (i) => {
    const peer = before(i);
    return {
      ...{ inventory: peer.inventory.bind(peer), readStripe: peer.readStripe.bind(peer) },
      ...{ stage: peer.stage.bind(peer), finishStage: peer.finishStage.bind(peer) },
      records: async (address, offset, lengthBytes) => {
        if (i === SPARE && !isExchanged) {
          isExchanged = true;
          await replace(members);
        }
        return await peer.records(address, offset, lengthBytes);
      },
      fetch: async (address, needles, check) => await peer.fetch(address, needles, check),
    };
  };
  members.disks[1]?.flip(FILE, 20);
  const at = (i: number, piece: number) => ({
    ...{ piece, device: members.at(i).device, address: String(i) },
  });
  const order = members.order(0, 0, { sources: [at(SPARE, 1), at(2, 2)] });
  members.down.delete(0);
  await members.server(0).retire({ ...members.at(0), surplus: true });
  await expect(members.server(0).rebuild(order)).rejects.toMatchObject({ code: "Changed" });
  expect(isExchanged).toBe(true);
  await members.server(0).rebuild(members.order(0, 0, { sources: [at(SPARE, 0)] }));
  for (const [needle, pieces] of members.stored)
    expect(await members.load(0, needle)).toEqual(pieces[0]);
});
