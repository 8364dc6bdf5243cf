/** What `put`, `get`, `cp` and `mv` have to move, from the two places that were typed. */
import { stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { HeadObjectCommand } from "@aws-sdk/client-s3";
import { QuarryError } from "../../base/errors.ts";
import type { Includes } from "./filters.ts";
import { FolderGuard } from "./folder-guard.ts";
import { listObjects } from "./listing.ts";
import { localTree } from "./local-tree.ts";
import { type Location, parseLocation, parseObject, parseTree } from "./location.ts";
import type { Session } from "./session.ts";
import type { Transfer } from "./transfer.ts";

export interface PlanOptions {
  readonly recursive: boolean;
  readonly followLinks: boolean;
  readonly includes: Includes;
  readonly versionId?: string;
}

export async function* planUpload(
  session: Session,
  source: string,
  target: string,
  options: PlanOptions,
): AsyncGenerator<Transfer> {
  const found = await stat(source);
  if (!found.isDirectory()) {
    const to = named(basename(source), parseLocation(target));
    yield { kind: "upload", path: source, to, bytes: found.size };
    return;
  }
  if (!options.recursive)
    throw new QuarryError("InvalidArgument", `${source} is a folder; -r takes all below it`);
  const { bucket, key } = parseTree(target);
  const skipped = (path: string, why: string) =>
    session.report.warn(`${path} is not stored: ${why}`);
  const failed = (path: string, error: unknown) => session.report.failed(path, error);
  for await (const file of localTree(source, { followLinks: options.followLinks, skipped, failed }))
    if (options.includes(file.name))
      yield {
        kind: "upload",
        path: file.path,
        to: { bucket, key: key + file.name },
        bytes: file.bytes,
      };
}

export async function* planDownload(
  session: Session,
  source: string,
  target: string,
  options: PlanOptions,
): AsyncGenerator<Transfer> {
  if (!options.recursive) {
    const from = { ...parseObject(source), ...versionOf(options) };
    const bytes = await sizeOf(session, from);
    yield { kind: "download", from, path: await fileFor(from.key, target), bytes };
    return;
  }
  const at = parseTree(source);
  const guard = new FolderGuard(target);
  for await (const one of listObjects(session.client, at)) {
    const below = one.key.slice(at.key.length);
    // A key that ends in a slash marks a folder: nothing to write.
    if ((one.key.endsWith("/") && one.bytes === 0) || !options.includes(below)) continue;
    const path = below === "" ? undefined : guard.pathOf(below);
    if (path === undefined)
      session.report.failed(
        `s3://${at.bucket}/${one.key}`,
        new QuarryError("Forbidden", `it has no place of its own in ${target}; get it alone`),
      );
    else {
      const from = { bucket: at.bucket, key: one.key };
      yield { kind: "download", from, path, bytes: one.bytes, guard };
    }
  }
}

export async function* planCopy(
  session: Session,
  source: string,
  target: string,
  options: PlanOptions,
): AsyncGenerator<Transfer> {
  if (!options.recursive) {
    const from = { ...parseObject(source), ...versionOf(options) };
    const to = named(basename(from.key), parseLocation(target));
    if (to.bucket === from.bucket && to.key === from.key && options.versionId === undefined)
      throw new QuarryError("InvalidArgument", `${source} and ${target} are the same object`);
    yield { kind: "copy", from, to, bytes: await sizeOf(session, from) };
    return;
  }
  const at = parseTree(source);
  const into = parseTree(target);
  // Else a copy would find its own copies, without end.
  if (at.bucket === into.bucket && into.key.startsWith(at.key))
    throw new QuarryError("InvalidArgument", `${target} is inside ${source}`);
  for await (const one of listObjects(session.client, at)) {
    const below = one.key.slice(at.key.length);
    if (!options.includes(below)) continue;
    const to = { bucket: into.bucket, key: into.key + below };
    yield { kind: "copy", from: { bucket: at.bucket, key: one.key }, to, bytes: one.bytes };
  }
}

function versionOf({ versionId }: PlanOptions) {
  return versionId === undefined ? {} : { versionId };
}

/** A target that ends in a slash, or names only a bucket, keeps the source's own name. */
function named(name: string, to: Location): Location {
  if (to.key !== "" && !to.key.endsWith("/")) return to;
  return { bucket: to.bucket, key: to.key + name };
}

async function sizeOf(
  { client }: Session,
  from: Location & { readonly versionId?: string },
): Promise<number> {
  const { ContentLength } = await client.send(
    new HeadObjectCommand({
      Bucket: from.bucket,
      Key: from.key,
      ...(from.versionId !== undefined && { VersionId: from.versionId }),
    }),
  );
  return ContentLength ?? 0;
}

async function fileFor(key: string, target: string): Promise<string> {
  const isFolder = await stat(target).then(
    (found) => found.isDirectory(),
    () => target.endsWith("/"),
  );
  if (!isFolder) return target;
  const name = basename(key);
  if (name === "" || name === "." || name === "..")
    throw new QuarryError(
      "InvalidArgument",
      `${key} ends in no file name; say which file to write`,
    );
  return join(target, name);
}
