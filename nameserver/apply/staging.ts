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
import type { PartRow, SliceTuple, StagedParts, UploadRow } from "../rows.ts";
import type { Rows } from "../transaction.ts";
import { releaseBlob } from "./blobs.ts";
import { bareEtag } from "./conditions.ts";
import type { ApplyContext } from "./context.ts";
import { holdPart, keysOfPart, releasePart, slicesOfPart } from "./parts.ts";
import { dropStaged, type OpenUpload, openUpload } from "./uploads.ts";

const PAGE_SLICES = limits.slicesPerPage;
/** What parts may take of a command's keys. A single part takes less. */
const PART_KEYS = limits.commandKeys - 256;

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
  const before = staged;
  let keysLeft = PART_KEYS;
  for (const wanted of command.parts) {
    const part = checkPart(context, upload, staged, wanted);
    keysLeft -= keysOfPart(part);
    if (keysLeft < 0) break;
    holdPart(context, part);
    const own = tellPart(part, upload.row.checksumAlgorithm);
    slices.push(...own);
    known.push(part);
    staged = {
      content: staged.content,
      count: staged.count + 1,
      slices: staged.slices + own.length,
      length: staged.length + part.length,
      lastPart: wanted.part,
      lastLength: part.length,
    };
  }
  writeSlices(context.rows, before, slices);
  const { content, length } = staged;
  context.rows.put(keys.content(content), { refs: 0, length, slices: staged.slices });
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
    return { content, count: 0, slices: 0, length: 0, lastPart: 0, lastLength: 0 };
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

/** The slices of a part, so that they tell where it ends; its checksum, if it is of the object's kind. */
function tellPart(part: PartRow, algorithm: UploadRow["checksumAlgorithm"]): SliceTuple[] {
  const { checksum } = part;
  const slices = slicesOfPart(part);
  return slices.map(([blob, offset, length], i) => {
    if (i + 1 < slices.length) return [blob, offset, length, null, true];
    if (checksum === undefined || checksum.algorithm !== algorithm) return [blob, offset, length];
    return [blob, offset, length, checksum.value];
  });
}

/** Writes slices into the pages of a content, behind those that are staged. */
function writeSlices(rows: Rows, staged: StagedParts, slices: readonly SliceTuple[]): void {
  let { length: start, count: parts } = staged;
  for (let done = 0; done < slices.length; ) {
    const at = staged.slices + done;
    const key = keys.contentPage(staged.content, Math.floor(at / PAGE_SLICES));
    const old = at % PAGE_SLICES === 0 ? undefined : rows.get(key);
    const piece = slices.slice(done, done + PAGE_SLICES - (at % PAGE_SLICES));
    const page = old ?? { start, parts, slices: [] };
    rows.put(key, { ...page, slices: [...page.slices, ...piece] });
    for (const [, , length, , goesOn] of piece) {
      start += length;
      if (goesOn !== true) parts++;
    }
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
  let keysLeft = PART_KEYS;
  for (const part of parts) {
    const key = keys.part(queue.upload, part);
    const row = rows.get(key);
    if (row === undefined) continue;
    keysLeft -= keysOfPart(row);
    if (keysLeft < 0) return { type: "done" }; // the worker comes again
    releasePart(context, row);
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
