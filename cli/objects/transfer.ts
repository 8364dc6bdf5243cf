/**
 * Moves things between here and the store, or within the store, many at once. One that fails is
 * told and left; what fails for all ends the command.
 */
import { unlink } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { DeleteObjectCommand } from "@aws-sdk/client-s3";
import { QuarryError, unreachable } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import { endsAll } from "../exit-code.ts";
import { copyObject } from "./copy-object.ts";
import { destinationOf, downloadFile } from "./download.ts";
import { downloadToDevice } from "./download-device.ts";
import { type FolderGuard, makeFolder } from "./folder-guard.ts";
import { type Location, urlOf } from "./location.ts";
import type { Source } from "./open-object.ts";
import { inParallel } from "./parallel.ts";
import { counted, formatBytes, printable } from "./printable.ts";
import { runAhead } from "./run-ahead.ts";
import type { Session } from "./session.ts";
import { uploadFile } from "./upload.ts";

export type Transfer =
  | {
      readonly kind: "upload";
      readonly path: string;
      readonly to: Location;
      readonly bytes: number;
    }
  | {
      readonly kind: "download";
      readonly from: Source;
      readonly path: string;
      readonly bytes: number;
      /** Of a whole tree: keeps the path inside its folder. */
      readonly guard?: FolderGuard;
    }
  | {
      readonly kind: "copy";
      readonly from: Source;
      readonly to: Location;
      readonly bytes: number;
    };

export interface TransferOptions {
  /** The source is removed once the target is there. */
  readonly move?: boolean;
  readonly dryRun?: boolean;
}

export interface Totals {
  count: number;
  bytes: number;
  resumedBytes: number;
  /** How many were proved by what: `CRC32C`, `MD5`, `length only`, … */
  readonly proofs: Map<string, number>;
}

export async function runTransfers(
  session: Session,
  transfers: AsyncIterable<Transfer>,
  options: TransferOptions,
): Promise<Totals> {
  const totals: Totals = { count: 0, bytes: 0, resumedBytes: 0, proofs: new Map() };
  const { report } = session;
  const found = runAhead(
    transfers,
    limits.cliRunAhead,
    (one) => report.progress.expect(one.bytes),
    () => report.progress.allFound(),
  );
  await inParallel(found, session.parallel, async (one) => {
    const { from, to } = endsOf(one);
    try {
      if (options.dryRun === true) {
        report.result(`would ${verbs[one.kind].now} ${printable(from)} to ${printable(to)}`, {
          type: `would-${one.kind}`,
          from,
          to,
          bytes: one.bytes,
        });
      } else {
        const done = await runOne(session, one);
        if (options.move === true) await removeSource(session, one);
        totals.resumedBytes += done.resumedBytes;
        totals.proofs.set(done.proof, (totals.proofs.get(done.proof) ?? 0) + 1);
        report.progress.add(0, 1);
        report.step(
          () => `${verbs[one.kind].done} ${printable(from)} to ${printable(to)} (${done.proof})`,
          () => ({
            type: one.kind,
            from,
            to,
            bytes: done.bytes,
            etag: done.etag,
            proof: done.proof,
          }),
        );
      }
      totals.count++;
      totals.bytes += one.bytes;
    } catch (error) {
      if (endsAll(error)) throw error;
      report.failed(from, error);
    }
  });
  return totals;
}

const verbs = {
  upload: { now: "store", done: "stored" },
  download: { now: "fetch", done: "fetched" },
  copy: { now: "copy", done: "copied" },
} as const;

function endsOf(one: Transfer): { readonly from: string; readonly to: string } {
  switch (one.kind) {
    case "upload":
      return { from: one.path, to: urlOf(one.to) };
    case "download":
      return { from: urlOf(one.from), to: one.path };
    case "copy":
      return { from: urlOf(one.from), to: urlOf(one.to) };
  }
}

interface Done {
  readonly bytes: number;
  readonly etag: string;
  readonly proof: string;
  readonly resumedBytes: number;
}

async function runOne(session: Session, one: Transfer): Promise<Done> {
  switch (one.kind) {
    case "upload":
      return uploadFile(session, one.path, one.to);
    case "download": {
      if (one.guard !== undefined) {
        await one.guard.makeFolderOf(one.path);
        return downloadFile(session, one.from, one.path, one.bytes);
      }
      const { kind, path } = await destinationOf(one.path);
      if (kind === "device") return downloadToDevice(session, one.from, path);
      await makeFolder(dirname(resolve(path)));
      return downloadFile(session, one.from, path, one.bytes);
    }
    case "copy":
      return {
        ...(await copyObject(session, one.from, one.to, one.bytes)),
        proof: "by the store",
        resumedBytes: 0,
      };
    default:
      return unreachable(one);
  }
}

async function removeSource({ client }: Session, one: Transfer): Promise<void> {
  if (one.kind === "upload") return unlink(one.path);
  const { bucket, key, versionId } = one.from;
  if (one.kind === "copy" && one.to.bucket === bucket && one.to.key === key)
    throw new QuarryError("InvalidArgument", "it is there already");
  const version = versionId === undefined ? {} : { VersionId: versionId };
  await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key, ...version }));
}

/** The last line of a command that moved things. */
export function tellTotals(
  session: Session,
  totals: Totals,
  verb: string,
  where: string,
  dryRun: boolean,
): void {
  const { report } = session;
  const { count, bytes, resumedBytes, proofs } = totals;
  const proofFields = Object.fromEntries(proofs);
  const fields = { type: "summary", files: count, bytes, resumedBytes, failed: report.failures };
  const files = counted(count, "file");
  if (dryRun) {
    report.result(`would have ${verb} ${files} ${where}; nothing was changed`, {
      ...fields,
      dryRun: true,
    });
    return;
  }
  const proved = [...proofs].map(([name, times]) =>
    proofs.size === 1 && times === count ? name : `${name} (${times})`,
  );
  const resumed = resumedBytes > 0 ? `; ${formatBytes(resumedBytes)} were there already` : "";
  const verified = count > 0 ? `; verified: ${proved.join(", ")}` : "";
  const failed = report.failures > 0 ? `; ${report.failures} failed` : "";
  report.result(
    `${verb} ${files} ${where}: ${report.progress.summary()}${resumed}${verified}${failed}`,
    { ...fields, proofs: proofFields, seconds: report.progress.seconds() },
  );
}
