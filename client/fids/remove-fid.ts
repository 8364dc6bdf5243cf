/**
 * Removes what a fid names. Of a bare needle all that ends it is the tombstone, which every member must
 * have; a linked fid goes with its name, and its list is removed at once, since readers ask nobody else.
 */
import { hasCode, QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import {
  filled,
  type NameService,
  type ObjectInfo,
  type OpenBlock,
} from "../../rpc/name-service.ts";
import type { ServiceOf } from "../members.ts";
import type { App } from "./apps.ts";
import { noSuchFile } from "./find.ts";
import { type Fid, fidName } from "./name.ts";
import { isSilence } from "./remembered.ts";

export interface RemoveContext {
  readonly names: NameService;
  readonly serviceOf: ServiceOf;
}

/**
 * Resolves when every member knows that the needle is removed. Members that change meanwhile are told, too.
 * @throws QuarryError `Unavailable` when a member is away: what others know it hears of when it is back,
 * and asking again is right.
 */
export async function removeNeedle(
  { names, serviceOf }: RemoveContext,
  { block, needle }: Fid,
): Promise<void> {
  let told = "";
  for (let round = 1; round <= limits.retries; round++) {
    const located = await locate(names, block);
    if (located === undefined) return;
    const { generation, members } = located;
    const now = `${generation} ${members.join()}`;
    if (now === told) return;
    const asked = filled(members).map(async (device) => {
      await serviceOf(device).remove({ device, block, generation }, [needle]);
    });
    const ends = await Promise.allSettled(asked);
    const failed = ends.find((end) => end.status === "rejected");
    if (failed === undefined) told = now;
    else if (!hasCode(failed.reason, "StaleGeneration", "NoSuchBlock", "NoSuchDevice"))
      throw isSilence(failed.reason) ? notEverywhere(failed.reason) : failed.reason;
  }
  throw notEverywhere();
}

const notEverywhere = (cause?: unknown) =>
  new QuarryError(
    "Unavailable",
    "not every copy could be told of the removal yet: try again later",
    { cause },
  );

async function locate(names: NameService, block: Fid["block"]): Promise<OpenBlock | undefined> {
  try {
    return await names.locate(block);
  } catch (error) {
    if (hasCode(error, "NoSuchBlock")) return undefined;
    throw error;
  }
}

/** @throws QuarryError `NoSuchKey` when the bucket has no such name. */
export async function removeLinked(context: RemoveContext, fid: Fid, app: App): Promise<void> {
  await removeName(context.names, fidName("L", fid), app);
  try {
    await removeNeedle(context, fid);
  } catch (error) {
    // The collection does it as soon as it can.
    if (!isSilence(error)) throw error;
  }
}

/** The very version: a marker above it would leave the list to be read, and others are no fids. */
async function removeName(names: NameService, key: string, app: App): Promise<void> {
  const { bucket, id: bucketId } = app;
  for (let attempt = 1; ; attempt++) {
    const { version, attributes } = await linkedVersion(names, bucket, key);
    const conditions = { ifMatch: attributes.etag };
    try {
      const named = { bucket, bucketId, key, version };
      await names.execute({ type: "deleteObject", ...named, conditions });
      return;
    } catch (error) {
      // Of a bucket without versions the next one has the same id.
      if (!hasCode(error, "ConditionFailed") || attempt > limits.retries) throw error;
    }
  }
}

async function linkedVersion(names: NameService, bucket: string, key: string): Promise<ObjectInfo> {
  const { object } = await names.lookup({ bucket, key });
  if (object.linked) return object;
  for (let last = { key: "", version: "" }; ; ) {
    const page = await names.versions({
      ...{ bucket, prefix: key, delimiter: "", limit: limits.listKeys },
      ...{ keyAfter: last.key, versionAfter: last.version },
    });
    const found = page.versions.find((one) => one.key === key && one.linked);
    if (found !== undefined) return found;
    const isAll = page.versions.at(-1)?.key !== key;
    if (isAll || !page.truncated || page.last === undefined) throw noSuchFile();
    last = page.last;
  }
}
