/**
 * Staging fixes the parts that a completion names, run by run, as pages of slices that hold their
 * blobs; so the completion itself is one small command, also with 10,000 parts. And the way back:
 * letting go of parts and pages that nothing needs, page by page.
 */
import { QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import type { Command, CommandResult } from "../../rpc/commands.ts";
import type { SystemCommand } from "../command.ts";
import { keys } from "../keyspace.ts";
import type { PartRow, SliceTuple, StagedParts } from "../rows.ts";
import type { Rows } from "../transaction.ts";
import { holdBlob, releaseBlob } from "./blobs.ts";
import { bareEtag } from "./conditions.ts";
import type { ApplyContext } from "./context.ts";
import { dropStaged, type OpenUpload, openUpload } from "./uploads.ts";

const PAGE_SLICES = limits.slicesPerPage;

export function stageParts(
  context: ApplyContext,
  command: Extract<Command, { type: "stageParts" }>,
): CommandResult {
  if (command.parts.length === 0 || command.parts.length > limits.commandKeys / 4)
    throw new QuarryError("InvalidArgument", `stage 1 to ${limits.commandKeys / 4} parts at once`);
  const upload = openUpload(context, command);
  let staged = stagedSoFar(context, upload, command.staged);
  const slices: SliceTuple[] = [];
  const known: PartRow[] = [];
  for (const wanted of command.parts) {
    const part = checkPart(context, upload, staged, wanted);
    if (part.length > 0) holdBlob(context, part.blob);
    slices.push(sliceOf(part));
    known.push(part);
    staged = {
      content: staged.content,
      count: staged.count + 1,
      length: staged.length + part.length,
      lastPart: wanted.part,
      lastLength: part.length,
    };
  }
  const start = staged.length - known.reduce((sum, part) => sum + part.length, 0);
  writeSlices(context.rows, staged.content, command.staged, start, slices);
  const { content, count, length } = staged;
  context.rows.put(keys.content(content), { refs: 0, length, slices: count });
  context.rows.put(upload.key, { ...upload.row, staged });
  return {
    type: "staged",
    staged: staged.count,
    parts: known.map(({ etag, length, checksum }) => ({
      etag,
      lengthBytes: length,
      ...(checksum !== undefined && { checksum: checksum.value }),
    })),
  };
}

function stagedSoFar(context: ApplyContext, { row }: OpenUpload, count: number): StagedParts {
  if (count === 0) {
    if (row.staged !== undefined) dropStaged(context, row.staged.content);
    const content = context.nextSequence();
    return { content, count: 0, length: 0, lastPart: 0, lastLength: 0 };
  }
  if (row.staged?.count !== count)
    throw new QuarryError(
      "InvalidArgument",
      `${row.staged?.count ?? 0} parts are staged, not ${count}; stage again from the first`,
    );
  return row.staged;
}

function checkPart(
  { rows }: ApplyContext,
  upload: OpenUpload,
  staged: StagedParts,
  { part, etag }: { readonly part: number; readonly etag: string },
): PartRow {
  if (part <= staged.lastPart)
    throw new QuarryError("InvalidPartOrder", `part ${part} stands behind ${staged.lastPart}`);
  const row = rows.get(keys.part(upload.id, part));
  if (row === undefined || row.etag !== bareEtag(etag))
    throw new QuarryError("InvalidPart", `part ${part} was not uploaded, or with another ETag`);
  if (staged.count > 0 && staged.lastLength < limits.partBytesMin)
    throw new QuarryError(
      "PartTooSmall",
      `part ${staged.lastPart} has ${staged.lastLength} bytes; only the last may have fewer than ${limits.partBytesMin}`,
    );
  return row;
}

function sliceOf({ blob, length, checksum }: PartRow): SliceTuple {
  return checksum === undefined ? [blob, 0, length] : [blob, 0, length, checksum.value];
}

/** Writes slices into the pages of a content, the first being slice `first` at offset `start`. */
function writeSlices(
  rows: Rows,
  content: number,
  first: number,
  start: number,
  slices: readonly SliceTuple[],
): void {
  let offset = start;
  for (let done = 0; done < slices.length; ) {
    const used = (first + done) % PAGE_SLICES;
    const key = keys.contentPage(content, Math.floor((first + done) / PAGE_SLICES));
    const old = used === 0 ? undefined : rows.get(key);
    const piece = slices.slice(done, done + PAGE_SLICES - used);
    rows.put(key, { start: old?.start ?? offset, slices: [...(old?.slices ?? []), ...piece] });
    offset += piece.reduce((sum, [, , length]) => sum + length, 0);
    done += piece.length;
  }
}

export function dropParts(
  context: ApplyContext,
  { queued, parts, last }: Extract<SystemCommand, { type: "dropParts" }>,
): CommandResult {
  const { rows } = context;
  const queue = rows.get(keys.dropQueue(queued));
  if (queue?.kind !== "upload") return { type: "done" };
  for (const part of parts) {
    const key = keys.part(queue.upload, part);
    const row = rows.get(key);
    if (row === undefined) continue;
    if (row.length > 0) releaseBlob(context, row.blob);
    rows.delete(key);
  }
  if (last) rows.delete(keys.dropQueue(queued));
  return { type: "done" };
}

export function dropContentPage(
  context: ApplyContext,
  { queued, page }: Extract<SystemCommand, { type: "dropContentPage" }>,
): CommandResult {
  const { rows } = context;
  const queue = rows.get(keys.dropQueue(queued));
  if (queue?.kind !== "content") return { type: "done" };
  const content = rows.get(keys.content(queue.content));
  const lastPage = Math.ceil((content?.slices ?? 0) / PAGE_SLICES) - 1;
  if (content === undefined || page !== lastPage) return { type: "done" };
  const key = keys.contentPage(queue.content, page);
  for (const [blob, , length] of rows.get(key)?.slices ?? [])
    if (length > 0) releaseBlob(context, blob);
  rows.delete(key);
  if (page > 0) rows.put(keys.content(queue.content), { ...content, slices: page * PAGE_SLICES });
  else {
    rows.delete(keys.content(queue.content));
    rows.delete(keys.dropQueue(queued));
  }
  return { type: "done" };
}
