/** Commands on buckets. */
import { QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import type { Change, Command, CommandResult } from "../../rpc/commands.ts";
import type { BucketInfo } from "../../rpc/objects.ts";
import { keys } from "../keyspace.ts";
import type { BucketRow, OwnerRow } from "../rows.ts";
import type { Rows } from "../transaction.ts";
import type { ApplyContext } from "./context.ts";

type Of<Type extends Command["type"]> = Extract<Command, { type: Type }>;

export function bucketInfo(name: string, row: BucketRow): BucketInfo {
  const { uploads: _, pendingBytes: __, ...rest } = row;
  return { name, ...rest };
}

/** @throws QuarryError `NoSuchBucket`. */
function bucketRow(rows: Rows, name: string): BucketRow {
  const row = rows.get(keys.bucket(name));
  if (row === undefined) throw new QuarryError("NoSuchBucket", `there is no bucket ${name}`);
  return row;
}

type Counters = Required<
  Pick<BucketRow, "objects" | "versions" | "bytes" | "uploads" | "pendingBytes">
>;

/** What a command says of its bucket. */
interface NamedBucket {
  readonly bucket: string;
  readonly bucketId?: number;
}

/** @throws QuarryError `NoSuchBucket`, also when it is not the one that the command means. */
function meantRow(rows: Rows, { bucket, bucketId }: NamedBucket): BucketRow {
  const row = bucketRow(rows, bucket);
  if (bucketId !== undefined && bucketId !== row.id)
    throw new QuarryError("NoSuchBucket", `the bucket ${bucket} was deleted and made again`);
  return row;
}

/** A bucket while a command changes it. */
export interface OpenBucket {
  readonly id: number;
  readonly name: string;
  readonly owner: string;
  readonly versioning: BucketRow["versioning"];
  /** Moves the counters of the bucket and of its owner. */
  count(change: Partial<Counters>): void;
  /** @throws QuarryError `QuotaExceeded` when the bucket or its owner holds too much by now. */
  checkQuota(): void;
}

/** @throws QuarryError `NoSuchBucket`. */
export function openBucket({ rows }: ApplyContext, named: NamedBucket): OpenBucket {
  const { id, owner, versioning } = meantRow(rows, named);
  const name = named.bucket;
  return {
    id,
    name,
    owner,
    versioning,
    count: (change) => count(rows, name, owner, change),
    checkQuota: () => checkQuota(rows, name, owner),
  };
}

function count(rows: Rows, name: string, owner: string, change: Partial<Counters>): void {
  const { objects = 0, versions = 0, bytes = 0, uploads = 0, pendingBytes = 0 } = change;
  const now = bucketRow(rows, name);
  rows.put(keys.bucket(name), {
    ...now,
    objects: now.objects + objects,
    versions: now.versions + versions,
    bytes: now.bytes + bytes,
    uploads: now.uploads + uploads,
    pendingBytes: (now.pendingBytes ?? 0) + pendingBytes,
  });
  if (objects + versions === 0 && bytes === 0 && pendingBytes === 0) return;
  const own = owned(rows, owner);
  rows.put(keys.owner(owner), {
    buckets: own.buckets,
    objects: own.objects + objects + versions,
    bytes: own.bytes + bytes,
    pendingBytes: own.pendingBytes + pendingBytes,
  });
}

function owned(rows: Rows, owner: string): Required<OwnerRow> {
  const row = rows.get(keys.owner(owner));
  return {
    buckets: row?.buckets ?? 0,
    objects: row?.objects ?? 0,
    bytes: row?.bytes ?? 0,
    pendingBytes: row?.pendingBytes ?? 0,
  };
}

function checkQuota(rows: Rows, name: string, owner: string): void {
  const bucket = bucketRow(rows, name);
  const held = {
    bytes: bucket.bytes + (bucket.pendingBytes ?? 0),
    objects: bucket.objects + bucket.versions,
  };
  judge(`the bucket ${name}`, held, bucket.quota);
  const user = rows.get(keys.user(owner));
  if (user?.quota === undefined) return;
  const { bytes, pendingBytes, objects } = owned(rows, owner);
  judge("the bucket's owner", { bytes: bytes + pendingBytes, objects }, user.quota);
}

function judge(
  who: string,
  held: { readonly bytes: number; readonly objects: number },
  quota: BucketRow["quota"],
): void {
  const { bytes = Number.POSITIVE_INFINITY, objects = Number.POSITIVE_INFINITY } = quota ?? {};
  if (held.bytes > bytes)
    throw new QuarryError("QuotaExceeded", `${who} may hold ${bytes} bytes; delete some first`);
  if (held.objects > objects)
    throw new QuarryError("QuotaExceeded", `${who} may hold ${objects} objects; delete some first`);
}

export function createBucket(
  context: ApplyContext,
  { bucket, owner, region, settings }: Of<"createBucket">,
): CommandResult {
  const { rows } = context;
  if (rows.get(keys.bucket(bucket)) !== undefined)
    throw new QuarryError("BucketExists", `there is a bucket ${bucket} already`);
  const own = owned(rows, owner);
  const most = rows.get(keys.user(owner))?.quota?.buckets ?? limits.bucketsPerUser;
  if (own.buckets >= most) throw new QuarryError("TooManyBuckets", `${most} buckets are the limit`);
  const row: BucketRow = {
    ...settings,
    id: context.index,
    owner,
    createdMs: context.timeMs,
    ...(region !== undefined && { region }),
    objects: 0,
    versions: 0,
    bytes: 0,
    uploads: 0,
  };
  rows.put(keys.bucket(bucket), row);
  rows.put(keys.owned(owner, bucket), {});
  rows.put(keys.owner(owner), { ...own, buckets: own.buckets + 1 });
  return { type: "bucket", bucket: bucketInfo(bucket, row) };
}

export function deleteBucket({ rows }: ApplyContext, command: Of<"deleteBucket">): CommandResult {
  const { bucket } = command;
  const row = meantRow(rows, command);
  if (row.objects > 0 || row.versions > 0)
    throw new QuarryError("BucketNotEmpty", `bucket ${bucket} still holds objects or versions`);
  if (row.uploads > 0)
    throw new QuarryError("BucketNotEmpty", `bucket ${bucket} still has uploads in progress`);
  const own = owned(rows, row.owner);
  rows.delete(keys.bucket(bucket));
  rows.delete(keys.owned(row.owner, bucket));
  if (own.buckets > 1) rows.put(keys.owner(row.owner), { ...own, buckets: own.buckets - 1 });
  else rows.delete(keys.owner(row.owner));
  return { type: "done" };
}

export function configureBucket(
  { rows }: ApplyContext,
  command: Of<"configureBucket">,
): CommandResult {
  const { bucket, change } = command;
  const row = meantRow(rows, command);
  if (change.versioning === null && row.versioning !== undefined)
    throw new QuarryError("InvalidArgument", "versioning can be suspended, not switched off");
  rows.put(keys.bucket(bucket), changed(row, change));
  return { type: "done" };
}

/** A row with some fields set, and those that are null gone. */
export function changed<Row extends object>(row: Row, change: Change<Partial<Row>>): Row {
  const fields = { ...row, ...change };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null)) as Row;
}
