import { unlink } from "node:fs/promises";
import { resolve } from "node:path";
import type { Command } from "commander";
import { QuarryError } from "../../base/errors.ts";
import { deleteKeys } from "./delete-keys.ts";
import { type Includes, includesAll } from "./filters.ts";
import { FolderGuard, makeFolder } from "./folder-guard.ts";
import { tellInterruption } from "./interruption.ts";
import { listObjects } from "./listing.ts";
import { localTree } from "./local-tree.ts";
import { isLocation, type Location, parseTree, urlOf } from "./location.ts";
import { counted, printable } from "./printable.ts";
import { openSession, type Session } from "./session.ts";
import {
  type AnySide,
  type CompareOptions,
  differ,
  type LocalSide,
  type RemoteSide,
} from "./sync-compare.ts";
import { syncSteps } from "./sync-plan.ts";
import { runTransfers, type Transfer, tellTotals } from "./transfer.ts";
import {
  directionOf,
  type TransferFlags,
  transferCommand,
  withAttributes,
} from "./transfer-command.ts";

const EXAMPLES = `
Examples:
  quarry sync holiday s3://photos/2026            # what is new or changed goes up
  quarry sync s3://photos/2026 holiday            # and comes down
  quarry sync s3://photos s3://archive/photos     # the store copies
  quarry sync --delete --dry-run work s3://backup/work
  quarry sync --exclude '*' --include '*.jpg' holiday s3://photos/2026

What differs in size or is newer at the source is moved; --checksum compares content by ETag instead.`;

interface SyncFlags extends TransferFlags {
  readonly delete?: boolean;
  readonly sizeOnly?: boolean;
  readonly checksum?: boolean;
}

export function syncCommand(): Command {
  const { command, filters } = transferCommand(
    "sync",
    "make a folder or prefix like another, moving only what differs",
  );
  return withAttributes(command)
    .argument("<source>", "folder or s3://bucket/prefix")
    .argument("<target>", "folder or s3://bucket/prefix; one of the two is in the store")
    .option("--delete", "delete at the target what the source has not")
    .option("--size-only", "the same size is the same file")
    .option("--checksum", "compare content by ETag instead of times")
    .option("--follow-symlinks", "store the files that links lead to")
    .addHelpText("after", EXAMPLES)
    .action((source: string, target: string, flags: SyncFlags) =>
      sync(source, target, flags, includesAll(filters)),
    );
}

async function sync(
  source: string,
  target: string,
  flags: SyncFlags,
  includes: Includes,
): Promise<void> {
  const session = openSession(flags);
  directionOf(source, target);
  const into = endOf(target);
  const from = endOf(source);
  if (from.kind === "remote" && into.kind === "remote" && from.at.bucket === into.at.bucket) {
    if (into.at.key.startsWith(from.at.key) || from.at.key.startsWith(into.at.key))
      throw new QuarryError("InvalidArgument", `${target} and ${source} are one inside the other`);
  }
  if (into.kind === "local" && flags.dryRun !== true) await makeFolder(resolve(into.folder));
  const comparing = {
    sizeOnly: flags.sizeOnly === true,
    checksum: flags.checksum === true,
    partBytes: session.partBytes,
  };
  const follow = flags.followSymlinks === true;
  const bothSides = () => ({
    from: sideOf(session, from, includes, follow),
    to: sideOf(session, into, includes, follow, true),
  });
  let surplus = 0;
  const transfers = planSync(session, bothSides(), { from, into }, comparing, () => surplus++);
  using _bar = session.report.progress;
  using _interruption = tellInterruption(session.report);
  const dryRun = flags.dryRun === true;
  const totals = await runTransfers(session, transfers, { dryRun });
  if (flags.delete === true && surplus > 0) {
    // What could not be read or moved may be what seems to be missing: no deleting on half knowledge.
    if (session.report.failures > 0)
      session.report.warn(
        `nothing was deleted in ${target}, because not everything could be moved`,
      );
    else await deleteSurplus(session, into, surplusOf(bothSides()), dryRun);
  }
  tellTotals(session, totals, "synced", `to ${target}`, dryRun);
  session.report.finish();
}

/** Walks both sides once more, rather than to remember what may be millions of names. */
async function* surplusOf(sides: {
  readonly from: AsyncIterable<AnySide>;
  readonly to: AsyncIterable<AnySide>;
}): AsyncGenerator<AnySide> {
  for await (const step of syncSteps(sides.from, sides.to, () => false))
    if (step.kind === "delete") yield step.to;
}

type End =
  | { readonly kind: "local"; readonly folder: string; readonly guard: FolderGuard }
  | { readonly kind: "remote"; readonly at: Location };

function endOf(text: string): End {
  if (isLocation(text)) return { kind: "remote", at: parseTree(text) };
  return { kind: "local", folder: text, guard: new FolderGuard(text) };
}

async function* sideOf(
  session: Session,
  end: End,
  includes: Includes,
  followLinks: boolean,
  mayBeAbsent = false,
): AsyncGenerator<AnySide> {
  try {
    if (end.kind === "local") {
      const skipped = (path: string, why: string) =>
        session.report.warn(`${path} is left out: ${why}`);
      const failed = (path: string, error: unknown) => session.report.failed(path, error);
      const tree = localTree(end.folder, { followLinks, skipped, failed });
      for await (const { path, name, bytes, modifiedMs } of tree)
        if (includes(name)) yield { place: "local", path, name, bytes, modifiedMs };
      return;
    }
    for await (const { key, bytes, modified, etag } of listObjects(session.client, end.at)) {
      const name = key.slice(end.at.key.length);
      const modifiedMs = modified.getTime();
      if (includes(name)) yield { place: "remote", key, name, bytes, modifiedMs, etag };
    }
  } catch (error) {
    if (!mayBeAbsent || (error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

async function* planSync(
  session: Session,
  sides: { readonly from: AsyncIterable<AnySide>; readonly to: AsyncIterable<AnySide> },
  ends: { readonly from: End; readonly into: End },
  comparing: CompareOptions,
  surplus: () => void,
): AsyncGenerator<Transfer> {
  const steps = syncSteps(sides.from, sides.to, (a, b) => differ(a, b, comparing));
  for await (const step of steps) {
    if (step.kind === "delete") surplus();
    else {
      const transfer = transferOf(session, step.from, ends.from, ends.into);
      if (transfer !== undefined) yield transfer;
    }
  }
}

function transferOf(
  session: Session,
  one: LocalSide | RemoteSide,
  from: End,
  into: End,
): Transfer | undefined {
  const { bytes, name } = one;
  if (into.kind === "remote") {
    const to = { bucket: into.at.bucket, key: into.at.key + name };
    if (one.place === "local") return { kind: "upload", path: one.path, to, bytes };
    const bucket = from.kind === "remote" ? from.at.bucket : "";
    return { kind: "copy", from: { bucket, key: one.key }, to, bytes };
  }
  if (one.place === "local" || from.kind === "local") return undefined;
  if (name === "" || (name.endsWith("/") && bytes === 0)) return undefined;
  const source = { bucket: from.at.bucket, key: one.key };
  const path = into.guard.pathOf(name);
  if (path !== undefined) return { kind: "download", from: source, path, bytes, guard: into.guard };
  session.report.failed(
    urlOf(source),
    new QuarryError("Forbidden", `it has no place of its own in ${into.folder}; get it alone`),
  );
  return undefined;
}

async function deleteSurplus(
  session: Session,
  into: End,
  surplus: AsyncIterable<AnySide>,
  dryRun: boolean,
): Promise<void> {
  const { report, client } = session;
  let count = 0;
  const deleted = (name: string) => {
    count++;
    report.step(
      () => `deleted ${printable(name)}`,
      () => ({ type: "delete", target: name }),
    );
  };
  if (dryRun) {
    for await (const one of surplus) {
      const target = nameOf(into, one);
      report.result(`would delete ${printable(target)}`, { type: "would-delete", target });
    }
    return;
  }
  if (into.kind === "remote") {
    const { at } = into;
    const urlOfKey = (key: string) => urlOf({ bucket: at.bucket, key });
    await deleteKeys(client, at.bucket, keysOf(surplus), {
      deleted: ({ key }) => deleted(urlOfKey(key)),
      failed: ({ key }, error) => report.failed(urlOfKey(key), error),
    });
  } else
    for await (const one of surplus)
      await unlink(nameOf(into, one)).then(
        () => deleted(nameOf(into, one)),
        (error: unknown) => report.failed(nameOf(into, one), error),
      );
  report.result(`deleted ${counted(count, "file")} that the source has not`, {
    type: "deleted",
    files: count,
  });
}

function nameOf(into: End, one: AnySide): string {
  if (one.place === "local") return one.path;
  return into.kind === "remote" ? urlOf({ bucket: into.at.bucket, key: one.key }) : one.key;
}

async function* keysOf(sides: AsyncIterable<AnySide>): AsyncGenerator<{ readonly key: string }> {
  for await (const one of sides) if (one.place === "remote") yield { key: one.key };
}
