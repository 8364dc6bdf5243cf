/** Commands on buckets, and the counters that every change of a name moves. */
import { QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import type { Command, CommandResult } from "../../rpc/commands.ts";
import type { BucketInfo } from "../../rpc/objects.ts";
import { keys } from "../keyspace.ts";
import type { BucketRow } from "../rows.ts";
import type { ApplyContext } from "./context.ts";

type Of<Type extends Command["type"]> = Extract<Command, { type: Type }>;

export function bucketInfo(name: string, row: BucketRow): BucketInfo {
  const { createdMs, owner, region, versioning, objects, bytes } = row;
  const info = { name, createdMs, owner, versioning, objects, bytes };
  return region === undefined ? info : { ...info, region };
}

/** A bucket while a command changes it. */
export interface OpenBucket {
  readonly id: number;
  readonly name: string;
  readonly versioning: BucketRow["versioning"];
  count(change: Partial<Pick<BucketRow, "objects" | "versions" | "bytes" | "uploads">>): void;
}

/** @throws QuarryError `NoSuchBucket`. */
export function openBucket(context: ApplyContext, name: string): OpenBucket {
  const key = keys.bucket(name);
  const row = context.rows.get(key);
  if (row === undefined) throw new QuarryError("NoSuchBucket", `there is no bucket ${name}`);
  return {
    id: row.id,
    name,
    versioning: row.versioning,
    count(change) {
      const now = context.rows.get(key) ?? row;
      context.rows.put(key, {
        ...now,
        objects: now.objects + (change.objects ?? 0),
        versions: now.versions + (change.versions ?? 0),
        bytes: now.bytes + (change.bytes ?? 0),
        uploads: now.uploads + (change.uploads ?? 0),
      });
    },
  };
}

export function createBucket(
  context: ApplyContext,
  { bucket, owner, region }: Of<"createBucket">,
): CommandResult {
  const { rows } = context;
  if (rows.get(keys.bucket(bucket)) !== undefined)
    throw new QuarryError("BucketExists", `there is a bucket ${bucket} already`);
  const owned = rows.get(keys.owner(owner))?.buckets ?? 0;
  if (owned >= limits.bucketsPerUser)
    throw new QuarryError("QuotaExceeded", `${limits.bucketsPerUser} buckets are the limit`);
  const row: BucketRow = {
    id: context.index,
    owner,
    createdMs: context.timeMs,
    ...(region !== undefined && { region }),
    versioning: "off",
    objects: 0,
    versions: 0,
    bytes: 0,
    uploads: 0,
  };
  rows.put(keys.bucket(bucket), row);
  rows.put(keys.owned(owner, bucket), {});
  rows.put(keys.owner(owner), { buckets: owned + 1 });
  return { type: "bucket", bucket: bucketInfo(bucket, row) };
}

export function deleteBucket(
  { rows }: ApplyContext,
  { bucket }: Of<"deleteBucket">,
): CommandResult {
  const row = rows.get(keys.bucket(bucket));
  if (row === undefined) throw new QuarryError("NoSuchBucket", `there is no bucket ${bucket}`);
  if (row.objects > 0 || row.versions > 0)
    throw new QuarryError("BucketNotEmpty", `bucket ${bucket} still holds objects or versions`);
  if (row.uploads > 0)
    throw new QuarryError("BucketNotEmpty", `bucket ${bucket} still has uploads in progress`);
  const owned = rows.get(keys.owner(row.owner))?.buckets ?? 1;
  rows.delete(keys.bucket(bucket));
  rows.delete(keys.owned(row.owner, bucket));
  if (owned > 1) rows.put(keys.owner(row.owner), { buckets: owned - 1 });
  else rows.delete(keys.owner(row.owner));
  return { type: "done" };
}

export function setVersioning(
  { rows }: ApplyContext,
  { bucket, versioning }: Of<"setVersioning">,
): CommandResult {
  const key = keys.bucket(bucket);
  const row = rows.get(key);
  if (row === undefined) throw new QuarryError("NoSuchBucket", `there is no bucket ${bucket}`);
  rows.put(key, { ...row, versioning });
  return { type: "done" };
}
