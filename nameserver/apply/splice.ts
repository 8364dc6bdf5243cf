/**
 * Splicing: new content out of the current one of a name and, at most, one new blob between two parts
 * of it. So appending, overwriting and cutting off are one command, and none of them moves bytes. Every
 * slice of the new content holds its blob once more; the old version keeps what it holds.
 */
import { QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import type { Command, CommandResult } from "../../rpc/commands.ts";
import type { Slice } from "../../rpc/objects.ts";
import type { NameRow, SliceTuple } from "../rows.ts";
import { type Content, cutSlices } from "../slices.ts";
import { versionText } from "../version-id.ts";
import { claimBlob, holdBlob } from "./blobs.ts";
import { type OpenBucket, openBucket } from "./buckets.ts";
import { checkConditions, checkKey } from "./conditions.ts";
import type { ApplyContext } from "./context.ts";
import { findVersion } from "./find-version.ts";
import { placeLatest } from "./objects.ts";
import { putCurrent, takeCurrent, toTrash } from "./versions.ts";

type Splice = Extract<Command, { type: "spliceObject" }>;

/** @throws QuarryError `NoSuchKey`, `Changed`, `TooManySlices`, `TooLarge`, `InvalidArgument`. */
export function spliceObject(context: ApplyContext, command: Splice): CommandResult {
  const { key, seen, conditions, content, joins } = command;
  checkKey(key);
  const bucket = openBucket(context, command);
  const { row } = findVersion(context, bucket.id, key, undefined, seen);
  checkConditions(row, conditions);
  const { keep, from } = rangeOf(row, command);
  if (joins !== undefined) checkJoin(context, row, command, keep, from);
  const before = cut(context, row, 0, keep);
  const behind = cut(context, row, from, row.length);
  const added = content === undefined ? [] : claimBlob(context, content);
  const slices = [...before, ...added, ...behind];
  if (slices.length > limits.splicedSlices) throw tooMany();
  const length = keep + (content?.lengthBytes ?? 0) + row.length - from;
  if (length > limits.objectBytes)
    throw new QuarryError("TooLarge", `an object has at most ${limits.objectBytes} bytes`);
  // What was added comes with its first holder.
  for (const [blob] of [...before, ...behind]) holdBlob(context, blob);
  if (joins !== undefined) return replaceInPlace(context, bucket, key, row, slices);
  const { checksum: _, ...attributes } = row.attributes;
  const etag = etagOf(context.nextSequence());
  const placed = placeLatest(context, bucket, key, { length, slices }, { ...attributes, etag });
  const { version, modifiedMs } = placed;
  return { type: "spliced", version, modifiedMs, etag, lengthBytes: length };
}

const tooMany = () =>
  new QuarryError(
    "TooManySlices",
    `the content would lie in more than ${limits.splicedSlices} runs of bytes: join some first`,
  );

/** Nobody has read all bytes of it, so it is no MD5; the dash tells clients not to compare. */
const etagOf = (sequence: number) => `${sequence.toString(16).padStart(32, "0")}-1`;

function rangeOf(
  { length }: NameRow,
  { keep = length, from = length }: Pick<Splice, "keep" | "from">,
): { readonly keep: number; readonly from: number } {
  const whole = Number.isSafeInteger(keep) && Number.isSafeInteger(from);
  if (!whole || keep < 0 || keep > length || from < keep)
    throw new QuarryError(
      "InvalidArgument",
      `of an object of ${length} bytes the first ${keep} and those from ${from} on cannot stay`,
    );
  return { keep, from: Math.min(from, length) };
}

function cut({ rows }: ApplyContext, content: Content, offset: number, end: number): SliceTuple[] {
  const range = { offset, lengthBytes: end - offset };
  return cutSlices((key) => rows.get(key), content, range, tooMany);
}

function checkJoin(
  context: ApplyContext,
  row: NameRow,
  { content, joins = [] }: Splice,
  keep: number,
  from: number,
): void {
  const seen = joins.map(
    ({ blob, offset, lengthBytes }): SliceTuple => [blob, offset, lengthBytes],
  );
  const seenBytes = joins.reduce((sum, { lengthBytes }: Slice) => sum + lengthBytes, 0);
  if (seenBytes !== from - keep || content?.lengthBytes !== seenBytes)
    throw new QuarryError("InvalidArgument", "what is joined has as many bytes as before");
  const there = cut(context, row, keep, from);
  const same = cut(context, { slices: seen }, 0, seenBytes);
  if (JSON.stringify(there) !== JSON.stringify(same))
    throw new QuarryError("Changed", "other bytes stand there now; try again");
}

/**
 * The same version in other slices. Who reads the old ones by now is given the time that trash has. The
 * list of a linked fid tells the old ones, so it goes with them: the name stays, and is no fid any more.
 */
function replaceInPlace(
  context: ApplyContext,
  bucket: OpenBucket,
  key: string,
  row: NameRow,
  slices: readonly SliceTuple[],
): CommandResult {
  takeCurrent(context, bucket, key, row);
  toTrash(context, bucket, key, row);
  const { content: _, parts: __, list: ___, ...kept } = row;
  const joined = { ...kept, slices };
  putCurrent(context, bucket, key, joined);
  const { etag } = row.attributes;
  const version = versionText(joined);
  return { type: "spliced", version, modifiedMs: row.ms, etag, lengthBytes: row.length };
}
