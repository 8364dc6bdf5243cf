/** The devices that a check or a rescue looks at: locked, read, never changed. */
import type { Disk } from "../../base/disk.ts";
import { QuarryError } from "../../base/errors.ts";
import { readIdentity } from "../../base/identity.ts";
import type { BlockId, DeviceId } from "../../base/ids.ts";
import {
  deviceIn,
  type InspectedBlock,
  inspectBlock,
  type OnNeedle,
} from "../../dataserver/inspect.ts";
import type { OnFinding } from "./finding.ts";

export interface FoundDevice {
  readonly directory: string;
  /** Undefined when its identity is lost. */
  readonly device: DeviceId | undefined;
  readonly blocks: ReadonlyMap<BlockId, InspectedBlock>;
}

/** A device's folder is named by itself, or by the data folder that it stands in. */
export async function deviceFolder(disk: Disk, directory: string): Promise<string | undefined> {
  const isDevice = async (folder: string) =>
    (await deviceIn(disk, folder)).blocks.length > 0 ||
    (await readIdentity(disk, folder))?.kind === "device";
  if (await isDevice(directory)) return directory;
  const inside = `${directory}/device`;
  return (await isDevice(inside)) ? inside : undefined;
}

/** As {@link deviceFolder}, for folders that must be one. */
export async function deviceFolders(disk: Disk, directories: readonly string[]): Promise<string[]> {
  const folders: string[] = [];
  for (const directory of directories) {
    const folder = await deviceFolder(disk, directory);
    if (folder === undefined)
      throw new QuarryError(
        "InvalidArgument",
        `${directory} holds no blocks: name the device folders of the store (DATA/device)`,
      );
    folders.push(folder);
  }
  return folders;
}

export async function inspectDevices(
  disk: Disk,
  directories: readonly string[],
  onNeedle: (block: InspectedBlock, header: Parameters<OnNeedle>[1]) => void,
  onFinding: OnFinding,
): Promise<FoundDevice[]> {
  const found: FoundDevice[] = [];
  for (const directory of directories) {
    const { device, blocks: ids } = await deviceIn(disk, directory);
    if (device === undefined)
      onFinding({
        kind: "problem",
        text: `${directory} has lost its identity.json: its blocks are read, but no server opens it so`,
      });
    const blocks = new Map<BlockId, InspectedBlock>();
    for (const id of ids) {
      const seen: Parameters<OnNeedle>[1][] = [];
      const block = await inspectBlock(disk, directory, id, (_path, header) => seen.push(header));
      blocks.set(id, block);
      for (const header of seen)
        if (block.index.find(header.needle) !== undefined) onNeedle(block, header);
      tellDamage(block, onFinding);
    }
    found.push({ directory, device, blocks });
  }
  return found;
}

function tellDamage({ path, superblock, damage, block }: InspectedBlock, onFinding: OnFinding) {
  if (superblock === undefined)
    onFinding({
      kind: "problem",
      text: `${path} lost its superblock: block ${block} cannot be read`,
    });
  for (const { offset, lengthBytes } of damage)
    onFinding({ kind: "damage", path, offset, lengthBytes });
}
