/** Members are made anew in whole runs of records, and needle by needle only where that must be. */
import { afterEach, describe, expect, test, vi } from "vitest";
import { payloadPool } from "../../base/buffer-pool.ts";
import { QuarryError } from "../../base/errors.ts";
import type { NeedleId } from "../../base/ids.ts";
import { seededRandom } from "../../base/random.ts";
import { DIRECTORY, FILE, Members } from "../../test/members-fixture.ts";
import { ahead, type Begun } from "./ahead.ts";
import type { Source } from "./sources.ts";

const id = (n: number) => BigInt(n) as NeedleId;
const SCHEMES = [
  { k: 1, m: 1 },
  { k: 2, m: 1 },
];

type Asked = Source["peer"];

/** Buffers of the pool that nobody has given back. */
function poolWatched(): Set<ArrayBufferLike> {
  const out = new Set<ArrayBufferLike>();
  const [take, give] = [payloadPool.take.bind(payloadPool), payloadPool.give.bind(payloadPool)];
  vi.spyOn(payloadPool, "take").mockImplementation((lengthBytes) => {
    const bytes = take(lengthBytes);
    if (lengthBytes >= 2048) out.add(bytes.buffer);
    return bytes;
  });
  vi.spyOn(payloadPool, "give").mockImplementation((view) => {
    out.delete(view.buffer);
    give(view);
  });
  return out;
}

afterEach(() => {
  vi.restoreAllMocks();
});

/** Members that count what is asked of them. */
class Counted {
  readonly members: Members;
  records = 0;
  fetched = new Set<NeedleId>();

  constructor(members: Members, change: (peer: Asked, i: number) => Partial<Asked> = () => ({})) {
    this.members = members;
    members.reach = (i) => {
      const server = members.server(i);
      const peer: Asked = {
        inventory: (at, after) => server.inventory(at, after),
        fetch: (at, needles, check) => {
          for (const needle of needles) this.fetched.add(needle);
          return server.fetch(at, needles, check);
        },
        records: (at, offset, length) => {
          this.records++;
          return server.records(at, offset, length);
        },
      };
      const { readStripe, stage, finishStage } = members.server(i);
      return { readStripe, stage, finishStage, ...peer, ...change(peer, i) };
    };
  }

  /** Piece 0 on the spare server, as it should be. */
  async rebuild(): Promise<void> {
    const { members } = this;
    const spare = members.scheme.k + members.scheme.m;
    const { lostCount } = await members.server(spare).rebuild(members.order(0, spare));
    expect(lostCount).toBe(0);
    for (const [needle, pieces] of members.stored)
      expect(await members.load(spare, needle)).toEqual(pieces[0]);
    const [status] = await members.server(spare).blocks(members.at(spare).device, 0, 1);
    expect(status?.needles).toBe(members.stored.size);
  }
}

async function filled(scheme: (typeof SCHEMES)[0], count = 24): Promise<Members> {
  const members = await Members.open(scheme);
  const random = seededRandom(2);
  for (let n = 1; n <= count; n++) {
    const content = random.bytes([0, 100, 5000, 70_000, 200_000][n % 5] ?? 0);
    await members.store(id(n), content);
  }
  return members;
}

describe.each(SCHEMES)("of $k+$m", (scheme) => {
  test("nothing is asked for needle by needle where all is whole", async () => {
    const members = await filled(scheme);
    for (const n of [3, 4, 5, 20]) await members.remove(id(n));
    await members.seal();
    await members.remove(id(21));
    const counted = new Counted(members);
    const out = poolWatched();
    const spare = scheme.k + scheme.m;
    await members.server(spare).rebuild(members.order(0, spare));
    expect(out.size).toBe(0);
    expect(counted.records).toBeGreaterThan(0);
    expect(counted.fetched.size).toBe(0);
    await counted.rebuild();
  });

  test("files in other orders are no obstacle", async () => {
    const members = await Members.open(scheme);
    const random = seededRandom(8);
    const all = Array.from({ length: 60 }, (_, i) => ({
      n: id(i + 1),
      content: random.bytes(9000),
    }));
    for (const { n, content } of all) await members.store(n, content, []);
    for (const i of members.positions())
      for (const { n, content } of [...all].sort(() => (random.u32() % 2) - 0.5))
        await members.store(n, content, [i]);
    for (const { n, content } of all) await members.keep(n, content);
    await members.seal();
    const counted = new Counted(members);
    await counted.rebuild();
    expect(counted.fetched.size).toBe(0);
  });

  test("a flipped bit and a bad sector cost their needles, and no more", async () => {
    const members = await filled({ ...scheme, m: 2 }, 60);
    await members.seal();
    members.disks[1]?.flip(FILE, 64 + 32 + 10);
    const [file] = [members.disks[2]?.contentOf(FILE) ?? Buffer.alloc(0)];
    const bad = Math.floor(file.length / 2);
    members.disks[2]?.failReads((path, from, end) => path === FILE && from <= bad && bad < end);
    const counted = new Counted(members);
    await counted.rebuild();
    expect(counted.records).toBeGreaterThan(0);
    expect(counted.fetched.size).toBeLessThan(members.stored.size);
  });

  test("a dataserver of the version before is asked as it was", async () => {
    const members = await filled(scheme);
    await members.seal();
    const counted = new Counted(members, (peer) => ({
      inventory: async (at, after) => {
        const { rows, piece, next } = await peer.inventory(at, after);
        return { rows, piece, ...(next !== undefined && { next }) };
      },
      records: () => Promise.reject(new QuarryError("NotImplemented", "no such method")),
    }));
    await counted.rebuild();
    expect(counted.fetched.size).toBe(members.stored.size);
  });

  test("a source that goes fails the order, leaves no file and keeps no memory", async () => {
    const members = await filled(scheme);
    await members.seal();
    const spare = scheme.k + scheme.m;
    let left = 1;
    const counted = new Counted(members, (peer) => ({
      records: (at, offset, length) => {
        if (left-- > 0) return peer.records(at, offset, length);
        return Promise.reject(new QuarryError("Unavailable", "it is away"));
      },
    }));
    const order = members.order(0, spare);
    const out = poolWatched();
    await expect(members.server(spare).rebuild(order)).rejects.toMatchObject({
      code: "Unavailable",
    });
    expect(members.disks[spare]?.paths().some((path) => path.includes("block"))).toBe(false);
    expect(out.size).toBe(0);
    left = Number.POSITIVE_INFINITY;
    await counted.rebuild();
  });
});

test("what is removed while a block is made is removed in it", async () => {
  const members = await filled({ k: 1, m: 1 });
  await members.seal();
  let isFirst = true;
  const counted = new Counted(members, (peer) => ({
    records: async (at, offset, length) => {
      const found = await peer.records(at, offset, length);
      if (isFirst) {
        isFirst = false;
        await members.remove(id(7));
      }
      return found;
    },
  }));
  await counted.rebuild();
  expect(await members.load(2, id(7))).toBe("missing");
  await members.server(2)[Symbol.asyncDispose]();
  await members.disks[2]?.remove(`${DIRECTORY}/00000007.index`);
  await members.start(2);
  expect(await members.load(2, id(7))).toBe("missing");
  for (const [needle, pieces] of members.stored)
    expect(await members.load(2, needle)).toEqual(pieces[0]);
});

test("what was begun ahead is in order, bounded, and dropped when nobody takes it", async () => {
  const dropped: number[] = [];
  let most = 0;
  let onTheirWay = 0;
  function* items(): Generator<Begun<number>> {
    for (let n = 1; n <= 20; n++) {
      onTheirWay += 3;
      most = Math.max(most, onTheirWay);
      yield { bytes: 3, coming: Promise.resolve(n) };
    }
  }
  const seen: number[] = [];
  for await (const n of ahead(items(), 10, (one) => dropped.push(one))) {
    onTheirWay -= 3;
    seen.push(n);
    if (n === 7) break;
  }
  expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7]);
  expect(dropped).toEqual([8, 9, 10, 11]);
  expect(most).toBeLessThanOrEqual(15);
});
