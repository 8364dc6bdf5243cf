/** The disks of one simulated dataserver as it sees them: each folder stands on a drive of its own. */
import type { Disk } from "../../base/disk.ts";
import type { Dice } from "../../raft/testing/dice.ts";
import type { Drive } from "./drive.ts";
import type { SimProcess } from "./process.ts";
import { type DiskMood, SimDisk } from "./sim-disk.ts";

const TEBIBYTE = 2 ** 40;

export function drivesDisk(
  drives: readonly Drive[],
  process: SimProcess,
  dice: Dice,
  mood: DiskMood,
): Disk {
  const disks = drives.map(({ directory, disk }) => {
    return { directory, disk: new SimDisk(disk, process, dice, mood) };
  });
  const at = (path: string): Disk => {
    const found = disks.find(
      (one) => path === one.directory || path.startsWith(`${one.directory}/`),
    );
    if (found === undefined) throw new Error(`no drive has ${path}`);
    return found.disk;
  };
  return {
    open: (path, mode) => at(path).open(path, mode),
    list: (directory) => at(directory).list(directory),
    exists: (path) => at(path).exists(path),
    makeDirectory: (directory) => at(directory).makeDirectory(directory),
    rename: (from, to) => at(from).rename(from, to),
    remove: (path) => at(path).remove(path),
    syncDirectory: (directory) => at(directory).syncDirectory(directory),
    // All are as large as each other, however little room is left.
    space: async (directory) => ({
      ...(await at(directory).space(directory)),
      totalBytes: TEBIBYTE,
    }),
    lock: (directory) => at(directory).lock(directory),
  };
}
