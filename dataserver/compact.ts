/**
 * Builds the next generation of a sealed block beside it, without the removed needles, and reads
 * it back. A damaged needle is never left out silently: then nothing is built.
 */
import type { Disk, DiskFile } from "../base/disk.ts";
import { QuarryError } from "../base/errors.ts";
import type { NeedleId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import { firstBadSpan } from "../rpc/needle-checksums.ts";
import type { Block } from "./block.ts";
import { BlockFileWriter, readBack } from "./block-file.ts";
import { noteUnreadable } from "./block-reads.ts";
import type { NeedleIndex, Place } from "./needle-index.ts";
import { type NeedleSpans, readSpans } from "./read-needle.ts";
import { HEADER_BYTES } from "./record.ts";
import type { Superblock } from "./superblock.ts";

export interface BuiltGeneration {
  readonly superblock: Superblock;
  readonly index: NeedleIndex;
  readonly fileBytes: number;
}

/** Writes `superblock`'s generation of `block` to `path`, durably and verified. */
export async function buildGeneration(
  block: Block,
  superblock: Superblock,
  path: string,
): Promise<BuiltGeneration> {
  const { disk } = block.home;
  const beside = `${path}.new`;
  await disk.remove(beside);
  try {
    await using file = await disk.open(beside, "create");
    const fileBytes = await writeGeneration(block, superblock, file);
    const index = await readBack(file, superblock, fileBytes);
    if (index.live !== block.index.live || index.digest !== block.index.digest)
      throw new QuarryError("Damaged", `${beside} was read back with other needles than written`);
    await finishFile(disk, beside, path);
    return { superblock, index, fileBytes };
  } catch (error) {
    await disk.remove(beside).catch(() => undefined); // the next start removes it
    throw error;
  }
}

async function finishFile(disk: Disk, beside: string, path: string): Promise<void> {
  await disk.rename(beside, path);
  await disk.syncDirectory(path.slice(0, path.lastIndexOf("/")));
}

async function writeGeneration(
  block: Block,
  superblock: Superblock,
  file: DiskFile,
): Promise<number> {
  const writer = new BlockFileWriter(file, superblock);
  for (const place of block.index.inFileOrder(0)) {
    const { header, checksums, data } = await readVerified(block, place);
    const { needle, blob, chunk } = header;
    writer.put({ needle, owner: { blob, chunk }, checksums, data });
    if (writer.gatheredBytes >= limits.copyBytes) await writer.flush();
  }
  return await writer.seal();
}

async function readVerified(
  block: Block,
  place: Place & { readonly needle: NeedleId },
): Promise<NeedleSpans> {
  const { needle, offset, lengthBytes } = place;
  const found = await block.home.files.use(block.path, (file) =>
    readSpans(file, block.seed, needle, place, { from: 0, to: lengthBytes }),
  );
  const id = block.superblock.block;
  if (found === undefined) await noteUnreadable(block, place);
  else {
    const bad = firstBadSpan(id, needle, lengthBytes, found.data, found.checksums);
    if (bad < 0) return found;
    const from = bad * limits.checksumSpanBytes;
    const damage = {
      offset: offset + HEADER_BYTES + from,
      lengthBytes: Math.min(limits.checksumSpanBytes, lengthBytes - from),
    };
    await block.noteDamage(damage, "a needle", needle);
  }
  throw new QuarryError("Damaged", `a needle of ${block.path} is damaged; repair it, then compact`);
}
