/** A folder that a dataserver may use: empty, or its own; never that of another kind of server. */
import { join } from "node:path";
import type { Clock } from "../../base/clock.ts";
import type { Disk } from "../../base/disk.ts";
import { QuarryError } from "../../base/errors.ts";
import { ensureIdentity, readIdentity } from "../../base/identity.ts";
import type { ServerId } from "../../base/ids.ts";
import type { Random } from "../../base/random.ts";

/** @throws QuarryError `InvalidArgument` for a folder of a nameserver or of `quarry serve`. */
export async function checkFolder(disk: Disk, directory: string): Promise<void> {
  if (await disk.exists(join(directory, "nameserver")))
    throw new QuarryError(
      "InvalidArgument",
      `${directory} holds a store of \`quarry serve\`; choose another folder`,
    );
  const identity = await readIdentity(disk, directory);
  if (identity !== undefined && identity.kind !== "dataserver")
    throw new QuarryError(
      "InvalidArgument",
      `${directory} is the data of a ${identity.kind}, not of a dataserver; choose another folder`,
    );
}

/** Which dataserver this is: written in its first folder, at its first start. */
export async function serverIdOf(
  disk: Disk,
  directory: string,
  seams: { readonly clock: Clock; readonly random: Random },
): Promise<ServerId> {
  return (await ensureIdentity(disk, directory, "dataserver", seams)).id as ServerId;
}
