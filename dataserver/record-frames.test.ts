/** A large needle that is read range by range: its header and footer are read once, its data always. */
import { expect, test } from "vitest";
import type { Disk, DiskFile } from "../base/disk.ts";
import { SimulatedDisk } from "../base/disk-simulated.ts";
import type { NeedleId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import { firstBadSpan } from "../rpc/needle-checksums.ts";
import {
  addressOf,
  BLOCK,
  blockFile,
  bytesOf,
  type Fixture,
  load,
  openFixture,
  store,
} from "../test/block-fixture.ts";
import { HEADER_BYTES } from "./record.ts";

const SPAN = limits.checksumSpanBytes;
const needle = 5n as NeedleId;
const data = bytesOf(needle, 10 * SPAN + 100);

/** Where the reads of block files begin. */
function watched(disk: SimulatedDisk, reads: number[]): Disk {
  const watch = (file: DiskFile): DiskFile =>
    new Proxy(file, {
      get(target, name) {
        if (name === "read")
          return (into: Uint8Array, offset: number) => {
            if (into.length > 0) reads.push(offset);
            return target.read(into, offset);
          };
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  return new Proxy<Disk>(disk, {
    get(target, name) {
      if (name === "open")
        return async (path: string, mode: "read" | "write" | "create") => {
          const file = await target.open(path, mode);
          return path === blockFile() && mode === "read" ? watch(file) : file;
        };
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

async function range(f: Fixture, offset: number, lengthBytes: number): Promise<Buffer | string> {
  const reply = await f.server.read({
    device: f.device,
    block: BLOCK,
    needle,
    offset,
    lengthBytes,
  });
  if (reply.kind !== "data") return reply.kind;
  const bad = firstBadSpan(BLOCK, needle, reply.needleBytes, reply.data, reply.checksums);
  return bad >= 0 ? "wrong" : Buffer.from(reply.data);
}

async function stored(): Promise<{ f: Fixture; disk: SimulatedDisk; reads: number[] }> {
  const disk = new SimulatedDisk();
  const reads: number[] = [];
  const f = await openFixture(disk, { disk: watched(disk, reads) });
  await f.server.createBlock(addressOf(f));
  expect(await store(f, needle, addressOf(f), data)).toBe("stored");
  reads.length = 0;
  return { f, disk, reads };
}

test("the second range and those behind it take one read each", async () => {
  const { f, reads } = await stored();
  const counts: number[] = [];
  for (const first of [2, 0, 3, 7, 10]) {
    const got = await range(f, first * SPAN + 5, SPAN);
    expect(got).toEqual(data.subarray(first * SPAN, (first + 2) * SPAN));
    counts.push(reads.length);
    reads.length = 0;
  }
  expect(counts).toEqual([3, 1, 1, 1, 1]);
  await f.server[Symbol.asyncDispose]();
});

test("what rots meanwhile is found: in the data by who reads it, around it by who reads all", async () => {
  const { f, disk, reads } = await stored();
  await range(f, SPAN, SPAN);
  const recordAt = Math.min(...reads);
  disk.flip(blockFile(), recordAt + HEADER_BYTES + 3 * SPAN + 9, 4);
  expect(await range(f, 3 * SPAN, 1)).toBe("wrong");
  expect(await range(f, 4 * SPAN, 1)).toEqual(data.subarray(4 * SPAN, 5 * SPAN));
  disk.flip(blockFile(), recordAt + 1, 4);
  expect(await load(f, needle)).toBe("damaged");
  await f.server[Symbol.asyncDispose]();
});

test("of a needle that was removed nothing is given", async () => {
  const { f } = await stored();
  expect(await range(f, SPAN, SPAN)).toEqual(data.subarray(SPAN, 2 * SPAN));
  await f.server.remove(addressOf(f), [needle]);
  expect(await range(f, SPAN, SPAN)).toBe("missing");
  await f.server[Symbol.asyncDispose]();
});
