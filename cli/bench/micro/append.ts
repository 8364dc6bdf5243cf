/** Needles appended to a block, durable when answered, beside a synced file for each. */
import { type FileHandle, open as openFile } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "../../../base/clock.ts";
import { nodeDisk } from "../../../base/disk-node.ts";
import { assert } from "../../../base/errors.ts";
import { type BlockId, FREE } from "../../../base/ids.ts";
import { systemRandom } from "../../../base/random.ts";
import { type Dataserver, openDataserver } from "../../../dataserver/dataserver.ts";
import { needleChecksums } from "../../../rpc/needle-checksums.ts";
import { type Case, type Micro, OURS } from "./micro.ts";

const MiB = 2 ** 20;
const BLOCK_BYTES = 512 * MiB;

export const append: Micro = {
  what: "durable appends to a block beside a synced file each",
  async open(folder) {
    const server = await openDataserver({
      ...{ disk: nodeDisk, clock: systemClock, random: systemRandom },
      ...{ directories: [join(folder, "device")], reserveBytes: 0, blockBytes: BLOCK_BYTES },
    });
    let files = 0;
    const caseOf = (name: string, lanes: number, bytes: number, first: number): Case => {
      const data = systemRandom.bytes(bytes);
      const ours = appending(server, data, first);
      const theirs = () => writeSynced(join(folder, `file-${files++}`), data);
      const ways = [
        { name: OURS, run: ours },
        { name: "a file each", run: theirs },
      ];
      return { name, lanes, bytes, ways };
    };
    return {
      cases: [caseOf("append-4k", 32, 4096, 1), caseOf("append-4m", 4, 4 * MiB, 2)],
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  },
};

/** Blocks `first`, `first` + 2, …: the next one when one is full. */
function appending(server: Dataserver, data: Buffer, first: number): () => Promise<void> {
  let number = first;
  let current = openBlock(server, number);
  return async () => {
    for (;;) {
      const place = current;
      const address = await place;
      const needle = systemRandom.needleId();
      const checksums = needleChecksums(address.block, needle, data);
      const owner = { blob: FREE, chunk: 0 };
      const { kind } = await server.append(
        { ...address, needle, owner, lengthBytes: data.length, checksums },
        data,
      );
      if (kind === "stored") return;
      assert(kind === "full", "a block takes what it is given until it is full");
      if (place !== current) continue; // another has opened the next one
      number += 2;
      current = openBlock(server, number);
    }
  };
}

async function openBlock(server: Dataserver, number: number) {
  const [found] = await server.devices();
  assert(found !== undefined, "a dataserver has a device");
  const address = { device: found.device, block: number as BlockId, generation: 1 };
  await server.createBlock(address);
  return address;
}

async function writeSynced(path: string, data: Buffer): Promise<void> {
  let file: FileHandle | undefined;
  try {
    file = await openFile(path, "wx");
    await file.write(data);
    await file.datasync();
  } finally {
    await file?.close();
  }
}
