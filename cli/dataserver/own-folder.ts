/** A folder that a dataserver may use: empty, or its own; never that of another kind of server. */
import { join } from "node:path";
import type { Clock } from "../../base/clock.ts";
import type { Disk } from "../../base/disk.ts";
import { QuarryError } from "../../base/errors.ts";
import { ensureIdentity, readIdentity } from "../../base/identity.ts";
import type { ServerId } from "../../base/ids.ts";
import type { Random } from "../../base/random.ts";
import { readMember } from "../../nameserver/group/member-file.ts";

/** @throws QuarryError `InvalidArgument` for a folder of a nameserver or of `quarry serve`. */
export async function checkFolder(disk: Disk, directory: string): Promise<void> {
  const identity = await readIdentity(disk, directory);
  if (identity === undefined && (await disk.exists(join(directory, "nameserver"))))
    throw new QuarryError(
      "InvalidArgument",
      `${directory} holds a store of \`quarry serve\`; choose another folder, or say --from-serve to make that store a cluster`,
    );
  if (identity !== undefined && identity.kind !== "dataserver")
    throw new QuarryError(
      "InvalidArgument",
      `${directory} is the data of a ${identity.kind}, not of a dataserver; choose another folder`,
    );
}

/**
 * The first folder of `quarry serve` becomes that of a dataserver, under the id that its devices are
 * registered with: that of the metadata beside them, which must belong to a cluster by now.
 */
export async function takeOverStore(
  disk: Disk,
  directory: string,
  { clock }: { readonly clock: Clock },
): Promise<void> {
  const nameserver = join(directory, "nameserver");
  const store = await readIdentity(disk, nameserver);
  if (store === undefined)
    throw new QuarryError(
      "InvalidArgument",
      `${directory} is not the first folder of a store of \`quarry serve\`: leave --from-serve away`,
    );
  if ((await readMember(disk, nameserver)) === undefined)
    throw new QuarryError(
      "InvalidArgument",
      `start quarry nameserver --data ${nameserver} --from-serve first: the store is not a cluster yet`,
    );
  await ensureIdentity(disk, directory, "dataserver", { clock, random: { uuid: () => store.id } });
}

/** Which dataserver this is: written in its first folder, at its first start. */
export async function serverIdOf(
  disk: Disk,
  directory: string,
  seams: { readonly clock: Clock; readonly random: Random },
): Promise<ServerId> {
  return (await ensureIdentity(disk, directory, "dataserver", seams)).id as ServerId;
}
