/**
 * From a filter to the files that fit it: by ids or by a filename where it names some, else by looking at
 * all. What has to be sorted is gathered first; a filename alone has its revisions in order already.
 */
import { limits } from "../../base/limits.ts";
import type { StreamObject } from "../../rpc/streams.ts";
import { MongoRuntimeError } from "./errors.ts";
import { fileOf, type GridFSFile } from "./file.ts";
import type { StreamFiles } from "./files.ts";
import { compileFilter, type Filter } from "./filter.ts";
import { keyOfId } from "./id-key.ts";
import { isObjectIdLike } from "./object-id.ts";
import { comparing, fieldsOf, type Sort } from "./sort.ts";

export interface FindOptions {
  readonly sort?: Sort;
  readonly skip?: number;
  /** 0 or absent: all. */
  readonly limit?: number;
}

export async function* findFiles(
  files: StreamFiles,
  filter: Filter,
  { sort, skip = 0, limit = 0 }: FindOptions,
): AsyncGenerator<GridFSFile> {
  const most = limit === 0 ? Number.POSITIVE_INFINITY : Math.abs(limit);
  let place = 0;
  for await (const file of inOrder(files, filter, sort, skip + most)) {
    if (place++ < skip) continue;
    yield file;
    if (place - skip >= most) return;
  }
}

async function* inOrder(
  files: StreamFiles,
  filter: Filter,
  sort: Sort | undefined,
  /** So many, from the first on, are asked for. */
  most: number,
): AsyncGenerator<GridFSFile> {
  const fits = compileFilter(filter);
  const fields = sort === undefined ? [] : fieldsOf(sort);
  const found = matching(files, filter, fits);
  const byDate = namedBy(filter) === undefined ? undefined : dateOrder(fields);
  if (fields.length === 0 || byDate === -1) return yield* found;
  if (byDate === 1) return yield* (await gathered(found)).reverse();
  yield* await firstOf(found, comparing(fields), most);
}

async function gathered(found: AsyncIterable<GridFSFile>): Promise<GridFSFile[]> {
  const all: GridFSFile[] = [];
  for await (const file of found) {
    checkRoom(all);
    all.push(file);
  }
  return all;
}

/** In order; of many those that are not asked for are forgotten on the way. */
async function firstOf(
  found: AsyncIterable<GridFSFile>,
  order: (a: GridFSFile, b: GridFSFile) => number,
  most: number,
): Promise<GridFSFile[]> {
  let best: GridFSFile[] = [];
  for await (const file of found) {
    checkRoom(best);
    best.push(file);
    if (best.length >= 2 * most + limits.listKeys) best = best.sort(order).slice(0, most);
  }
  return best.sort(order).slice(0, most);
}

function checkRoom(files: readonly unknown[]): void {
  if (files.length >= limits.streamSort)
    throw new MongoRuntimeError(
      `more than ${limits.streamSort} files would have to be sorted: set a limit, or narrow the filter`,
    );
}

async function* matching(
  files: StreamFiles,
  filter: Filter,
  fits: (file: GridFSFile) => boolean,
): AsyncGenerator<GridFSFile> {
  for await (const object of candidates(files, filter)) {
    const file = fileOf(object);
    if (fits(file)) yield file;
  }
}

async function* candidates(files: StreamFiles, filter: Filter): AsyncGenerator<StreamObject> {
  const ids = idsIn(filter);
  if (ids === undefined) return yield* files.list(namedBy(filter));
  for (const key of new Set(ids.map(keyOfId))) {
    const found = await files.byKey(key);
    if (found !== undefined) yield found;
  }
}

/** The filename that all files which fit have, if the filter says one. */
function namedBy({ filename }: Filter): string | undefined {
  const wanted: unknown = isOperator(filename) ? filename["$eq"] : filename;
  return typeof wanted === "string" ? wanted : undefined;
}

/** Ids of which all files that fit have one. */
function idsIn({ _id: id }: Filter): readonly unknown[] | undefined {
  if (id === undefined || id === null || id instanceof RegExp || Array.isArray(id))
    return undefined;
  if (!isOperator(id)) return [id];
  if (id["$eq"] !== undefined && id["$eq"] !== null) return [id["$eq"]];
  const { $in } = id;
  if (!Array.isArray($in) || $in.some((one) => one instanceof RegExp || Array.isArray(one)))
    return undefined;
  return $in.filter((one) => one !== undefined);
}

function isOperator(value: unknown): value is Filter {
  if (typeof value !== "object" || value === null || isObjectIdLike(value)) return false;
  return Object.keys(value).some((field) => field.startsWith("$"));
}

/** Of the revisions of one filename; -1 is as they are listed, those of one moment in their order, too. */
function dateOrder(fields: ReturnType<typeof fieldsOf>): 1 | -1 | undefined {
  const [first, ...more] = fields.filter(([path]) => path !== "filename");
  return first?.[0] === "uploadDate" && more.length === 0 ? first[1] : undefined;
}
