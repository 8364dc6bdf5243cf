/** Harmed files are not thrown away: they stand beside, for people to look at. */
import type { Disk } from "../base/disk.ts";
import { limits } from "../base/limits.ts";

/** Moves the files of a folder to a new one beside it, and tells where. A few of these are kept. */
export async function setAside(
  disk: Disk,
  from: string,
  beside: string,
  isMoved: (name: string) => boolean,
): Promise<string> {
  const parent = beside.slice(0, beside.lastIndexOf("/"));
  const prefix = `${beside.slice(parent.length + 1)}-`;
  const numbers = (await disk.list(parent))
    .filter((name) => name.startsWith(prefix))
    .map((name) => Number(name.slice(prefix.length)));
  const number = Math.max(0, ...numbers) + 1;
  for (const old of numbers)
    if (old <= number - limits.damagedKept)
      for (const name of await disk.list(`${beside}-${old}`))
        await disk.remove(`${beside}-${old}/${name}`);
  const aside = `${beside}-${number}`;
  await disk.makeDirectory(aside);
  for (const name of (await disk.list(from)).filter(isMoved))
    await disk.rename(`${from}/${name}`, `${aside}/${name}`);
  await disk.syncDirectory(aside);
  await disk.syncDirectory(from);
  return aside;
}
