/**
 * Files of blocks that went while the server runs, by whatever hand: handles that are open read them still,
 * and what is not read is missed by nobody. So the folder is looked at from time to time; a block without
 * its file is let go, and is made anew from the others.
 */
import { QuarryError } from "../base/errors.ts";
import { IDENTITY_FILE } from "../base/identity.ts";
import type { BlockId } from "../base/ids.ts";
import type { Device } from "./device.ts";
import { blockPath, indexPath } from "./file-names.ts";

/** Lets go all whose files are gone; how many there were. */
export async function letGoneGo(device: Device): Promise<number> {
  const { options, directory, parts } = device;
  const names = new Set(await options.disk.list(directory));
  if (!names.has(IDENTITY_FILE)) {
    await wipedUnder(device);
    return 0;
  }
  const all = [...parts.blocks.keys(), ...parts.unreadable.keys()];
  const gone = all.filter((block) => !names.has(blockPath("", block).slice(1)));
  let count = 0;
  for (const block of gone) if (await letGo(device, block)) count++;
  return count;
}

/** A disk that does not answer may come back as it was; one that answers and knows itself no more does not. */
async function wipedUnder({ parts }: Device): Promise<void> {
  await parts.space.ask();
  if (parts.space.isGone) return;
  parts.home.onFailure(
    new QuarryError(
      "DiskFailed",
      `its ${IDENTITY_FILE} is gone: it was emptied, or another disk is mounted there; put back what was there, or start the dataserver again for a new device`,
    ),
  );
}

/** False when its file is there after all. */
export async function letGo(device: Device, id: BlockId): Promise<boolean> {
  const { options, directory, parts } = device;
  const path = blockPath(directory, id);
  return await device.ordered({ device: device.id, block: id, generation: 0 }, async () => {
    const block = parts.blocks.get(id);
    const isKnown = block !== undefined || parts.unreadable.has(id);
    if (!isKnown || (await options.disk.exists(path))) return false;
    parts.blocks.delete(id);
    parts.unreadable.delete(id);
    parts.checks.forget(id);
    parts.news.changed(id);
    const message = "it is gone, and nobody told this server: the block is made anew from others";
    options.report({ kind: "gone", path, message });
    // What it would leave at its end is of a file that is not there.
    await block?.giveWay(async () => undefined);
    await block?.close();
    await options.disk.remove(indexPath(directory, id));
    return true;
  });
}
