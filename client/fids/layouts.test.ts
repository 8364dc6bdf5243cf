/** Bare needles in blocks of every layout, whole and in ranges, also while members are away. */
import { expect, test } from "vitest";
import { systemClock } from "../../base/clock.ts";
import { hasCode } from "../../base/errors.ts";
import type { BlockId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import { MemoryState } from "../../nameserver/state-memory.ts";
import { chunksOf } from "../../nameserver/workers/chunks-of.ts";
import type { WorkContext } from "../../nameserver/workers/worker.ts";
import type { NameService } from "../../rpc/name-service.ts";
import type { PoolScheme } from "../../rpc/pool.ts";
import { hastyClock, owner, PieceMembers } from "../../test/piece-members.ts";
import { appendChunk } from "../append-chunk.ts";
import { BlobIds } from "../blob-ids.ts";
import type { GetContext } from "../get.ts";
import { MemoryBudget } from "../memory-budget.ts";
import type { PutContext } from "../put.ts";
import { type Fid, type FidKind, fidName, parseFidName } from "./name.ts";
import { openFid } from "./open-fid.ts";
import { storeBare } from "./store-bare.ts";

const SIZES = Array.from({ length: 5 }, () => [0, 1, 700, 4096, 65_536, 200_001, 400_000]).flat();
const BUCKET = 7;
const copies = { k: 1, m: 2 };
const pieces = { k: 4, m: 2 };

interface Layout {
  readonly name: string;
  readonly scheme: PoolScheme;
  readonly stripes?: PoolScheme;
  /** So many members may be away. */
  readonly spare: number;
}

const layouts: readonly Layout[] = [
  { name: "whole", scheme: copies, spare: 2 },
  { name: "split", scheme: pieces, spare: 2 },
  { name: "striped", scheme: copies, stripes: pieces, spare: 2 },
  { name: "converted", scheme: pieces, stripes: { k: 6, m: 2 }, spare: 2 },
];

function contextOf(members: PieceMembers): PutContext & GetContext {
  const names = {} as NameService;
  return {
    ...{ ...members.context, names, blobIds: new BlobIds(names) },
    ...{ budget: new MemoryBudget(), readBudget: new MemoryBudget(limits.readBytes) },
  };
}

async function read(context: GetContext, kind: FidKind, fid: Fid, from = 0, length?: number) {
  const name = fidName(kind, fid);
  const parsed = parseFidName(name);
  if (parsed === undefined) throw new Error("a name is one");
  using open = await openFid(context, name, parsed);
  const parts: Buffer[] = [];
  for await (const view of open.read(from, length ?? open.lengthBytes - from))
    parts.push(Buffer.from(view));
  return Buffer.concat(parts);
}

/** As the leader tells them of a block in pieces; the metadata name nothing in it. */
async function chunksTold({ server, devices, scheme }: PieceMembers): Promise<Buffer> {
  const [device] = devices;
  if (device === undefined) throw new Error("there are devices");
  const context = { group: { state: new MemoryState() }, blocks: server, clock: systemClock };
  const address = { device, block: 1 as BlockId, generation: 1 };
  return await chunksOf(context as unknown as WorkContext, address, scheme.k);
}

test.each(layouts)("a bare needle in a $name block is read", async (layout) => {
  const { scheme, stripes, spare } = layout;
  await using members = await PieceMembers.open(scheme, 9, { spare: 5 });
  await members.addBlock();
  const stored: { fid: Fid; content: Buffer }[] = [];
  for (const size of SIZES) {
    const content = members.random.bytes(size);
    const bytes = (async function* () {
      yield content;
    })();
    stored.push({ content, fid: await storeBare(contextOf(members), { bytes }, size, BUCKET, {}) });
  }
  const private_ = await appendChunk(members.context, owner, members.random.bytes(5000));
  if (stripes !== undefined) {
    const split = scheme.k > 1 && { chunks: await chunksTold(members), padded: true as const };
    await members.stripe(stripes, 0, { ...split });
  }
  members.forget();
  for (let away = 0; away <= spare; away++) {
    members.faults.clear();
    members.fault(
      Array.from({ length: away }, (_, i) => i),
      "away",
    );
    members.forget();
    const context = contextOf(members);
    for (const { fid, content } of stored) {
      expect((await read(context, "T", fid)).equals(content)).toBe(true);
      const from = Math.floor(content.length / 3);
      const part = content.subarray(from, from + Math.ceil(content.length / 2));
      expect((await read(context, "T", fid, from, part.length)).equals(part)).toBe(true);
    }
    // All who could tell say that there is none, or are away.
    for (const kind of ["T", "L"] as const) {
      const wanted = away === 0 ? ["NoSuchKey"] : ["NoSuchKey", "Unavailable"];
      const refused = await read(context, kind, private_).catch((error: unknown) => error);
      expect(wanted.some((code) => hasCode(refused, code as "NoSuchKey"))).toBe(true);
    }
    const [first] = stored;
    const list = first && (await read(context, "L", first.fid).catch((error: unknown) => error));
    expect(hasCode(list, "NoSuchKey", "Unavailable")).toBe(true);
  }
});

test("a dataserver that does not look whose a needle is, is not believed", async () => {
  await using members = await PieceMembers.open(copies, 11);
  await members.addBlock();
  const private_ = await appendChunk(members.context, owner, members.random.bytes(5000));
  const context = contextOf(members);
  const old: GetContext = {
    ...context,
    clock: hastyClock,
    serviceOf: (device) => ({
      ...context.serviceOf(device),
      // One of the version before, which does not know the question.
      read: ({ only: _, ...request }) => context.serviceOf(device).read(request),
    }),
  };
  for (const kind of ["T", "L"] as const)
    await expect(read(old, kind, private_)).rejects.toMatchObject({
      code: "Unavailable",
      message: expect.stringContaining("update it"),
    });
});
