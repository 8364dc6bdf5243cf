/** Remembers whether the last run ended cleanly: a file that is there only in between runs. */
import { type Disk, replaceWhole } from "../base/disk.ts";

const NAME = "clean-end";

/** Whether the last run ended cleanly (or there was none). The file is gone afterwards. */
export async function takeCleanEnd(
  disk: Disk,
  directory: string,
  isNew: boolean,
): Promise<boolean> {
  const path = `${directory}/${NAME}`;
  const clean = isNew || (await disk.exists(path));
  await disk.remove(path);
  await disk.syncDirectory(directory);
  return clean;
}

export async function leaveCleanEnd(disk: Disk, directory: string): Promise<void> {
  await replaceWhole(disk, `${directory}/${NAME}`, Buffer.from("\n"));
}
