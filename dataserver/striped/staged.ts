/** What a device has of generations that were written for it and not switched to. */
import type { DiskFile } from "../../base/disk.ts";
import { limits } from "../../base/limits.ts";
import type { Staged } from "../../rpc/stripe-service.ts";
import type { Device } from "../device.ts";
import { storedFile } from "../file-names.ts";
import { decodeSuperblock, SUPERBLOCK_BYTES } from "../superblock.ts";
import { readPart } from "./stripe.ts";

export async function stagedOn({ directory, options }: Device): Promise<Staged[]> {
  const { disk } = options;
  const staged: Staged[] = [];
  for (const name of (await disk.list(directory)).toSorted()) {
    const stored = storedFile(name);
    if (stored?.kind !== "staged") continue;
    if (staged.length === limits.stagedListed) break;
    const path = `${directory}/${name}`;
    const { block, generation } = stored;
    try {
      await using file = await disk.open(path, "read");
      const encoding = await encodingOf(file);
      staged.push({ block, generation, ...(encoding !== undefined && { encoding }) });
    } catch (error) {
      // It may be switched to, or dropped, meanwhile.
      if (await disk.exists(path)) throw error;
    }
  }
  return staged;
}

async function encodingOf(file: DiskFile): Promise<number | undefined> {
  const head = await readPart(file, 0, SUPERBLOCK_BYTES);
  return head && decodeSuperblock(head, file.path)?.salt;
}
