/** A large object in parallel ranges, each written at its place; what a killed run had stays. */
import { createHash } from "node:crypto";
import { type FileHandle, open, rename, rm, statfs } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { QuarryError } from "../../base/errors.ts";
import type { Downloaded } from "./download.ts";
import {
  DownloadJournal,
  forgetPart,
  type JournalHead,
  partFiles,
  readJournal,
} from "./download-journal.ts";
import { readFully, streamSlice } from "./file-slice.ts";
import { GATHER_BYTES, writeAll } from "./gathered-write.ts";
import {
  type Described,
  type Expected,
  expectedOf,
  joinCrcs,
  proofName,
  type Running,
  startCrc,
} from "./object-check.ts";
import { type ByteRange, openRange, type Source } from "./open-object.ts";
import { inParallel } from "./parallel.ts";
import { formatBytes } from "./printable.ts";
import type { Session } from "./session.ts";
import { transferName } from "./state-folder.ts";

interface Head extends Described {
  readonly ETag: string;
  readonly ContentLength: number;
  readonly LastModified?: Date | undefined;
}

const READ_BACK_BYTES = 1024 * 1024;

export async function downloadRanges(
  session: Session,
  from: Source,
  path: string,
  object: Head,
): Promise<Downloaded> {
  const bytes = object.ContentLength;
  const head = { etag: object.ETag, bytes, rangeBytes: session.partBytes };
  const id = transferName(
    "download",
    session.endpoint,
    from.bucket,
    from.key,
    from.versionId ?? "",
    resolve(path),
  );
  const files = partFiles(path, id);
  const earlier = await readJournal(files.journal, head);
  if (earlier === undefined) await forgetPart(files);
  const expected = expectedOf(object);
  let resumedBytes: number;
  {
    await using file = await open(files.part, earlier === undefined ? "wx+" : "r+").catch(
      (error: unknown) => {
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
        return open(files.part, "wx+");
      },
    );
    await assertRoom(path, bytes - (await file.stat()).blocks * 512);
    await using journal = await DownloadJournal.open(files.journal, head, earlier === undefined);
    const task = { session, from, head, file, journal, expected, path: files.part };
    const fetched = await fetchRanges(task, earlier ?? new Map());
    resumedBytes = fetched.resumedBytes;
    await file.truncate(bytes);
    if (!(await isProved(expected, fetched.sums, head, file))) {
      await forgetPart(files);
      throw new QuarryError(
        "Damaged",
        `the bytes of ${from.key} are not those that were stored (${proofName(expected)} differs); run the same command again`,
      );
    }
    if (object.LastModified !== undefined)
      await file.utimes(object.LastModified, object.LastModified);
  }
  await rename(files.part, path);
  await rm(files.journal, { force: true });
  return { bytes, etag: object.ETag, proof: proofName(expected), resumedBytes };
}

interface Task {
  readonly session: Session;
  readonly from: Source;
  readonly head: JournalHead;
  readonly file: FileHandle;
  readonly path: string;
  readonly journal: DownloadJournal;
  readonly expected: Expected;
}

async function fetchRanges(
  task: Task,
  earlier: ReadonlyMap<number, string>,
): Promise<{ readonly sums: string[]; readonly resumedBytes: number }> {
  const { session, head } = task;
  const count = Math.ceil(head.bytes / head.rangeBytes);
  const sums: string[] = new Array<string>(count);
  let resumedBytes = 0;
  await inParallel(
    Array.from({ length: count }, (_, i) => i),
    session.parallel,
    async (i) => {
      const offset = i * head.rangeBytes;
      const range = { offset, lengthBytes: Math.min(head.rangeBytes, head.bytes - offset) };
      const crc = startCrc("CRC32C");
      const own = ownSum(task.expected);
      const known = earlier.get(i);
      if (known !== undefined && (await isOnDisk(task, range, known, own))) {
        resumedBytes += range.lengthBytes;
        session.report.progress.add(range.lengthBytes);
        sums[i] = own?.hex() ?? known;
        return;
      }
      const fresh = ownSum(task.expected);
      using _memory = await session.memory.share(2 * GATHER_BYTES);
      const opened = await openRange(session, task.from, range, head.etag);
      try {
        if (opened.lengthBytes !== range.lengthBytes)
          throw new QuarryError("Protocol", `the store ignores ranges of ${task.from.key}`);
        await writeAll(
          task.file,
          offset,
          opened.bytes(),
          fresh === undefined ? [crc] : [crc, fresh],
          (bytes) => session.report.progress.add(bytes),
        );
      } catch (error) {
        opened.close();
        throw error;
      }
      await task.journal.done(i, crc.hex());
      sums[i] = fresh?.hex() ?? crc.hex();
    },
  );
  return { sums, resumedBytes };
}

/** The sum that the store's own needs, where it is another than the journal's CRC32C. */
function ownSum(expected: Expected): Running | undefined {
  return expected.kind === "crc" && expected.name !== "CRC32C"
    ? startCrc(expected.name)
    : undefined;
}

async function isOnDisk(
  { file, path }: Task,
  { offset, lengthBytes }: ByteRange,
  crcHex: string,
  own: Running | undefined,
): Promise<boolean> {
  const { size } = await file.stat();
  if (size < offset + lengthBytes) return false;
  const crc = startCrc("CRC32C");
  const buffer = Buffer.allocUnsafe(Math.min(READ_BACK_BYTES, lengthBytes));
  for (let done = 0; done < lengthBytes; ) {
    const view = buffer.subarray(0, Math.min(buffer.length, lengthBytes - done));
    await readFully(file, path, view, offset + done);
    crc.update(view);
    own?.update(view);
    done += view.length;
  }
  return crc.hex() === crcHex;
}

async function isProved(
  expected: Expected,
  sums: readonly string[],
  { bytes, rangeBytes }: JournalHead,
  file: FileHandle,
): Promise<boolean> {
  switch (expected.kind) {
    case "length":
      return true;
    case "crc": {
      const runs = sums.map((hex, i) => ({
        hex,
        bytes: Math.min(rangeBytes, bytes - i * rangeBytes),
      }));
      return joinCrcs(expected.name, runs) === expected.hex;
    }
    case "hash": {
      // These have no algebra: the file is read once more, from the page cache as a rule.
      const hash = createHash(expected.name.toLowerCase());
      const whole = { file, path: "", offset: 0, lengthBytes: bytes };
      for await (const view of streamSlice(whole)) hash.update(view as Buffer);
      return hash.digest("hex") === expected.hex;
    }
  }
}

/** Better said before the first byte than after the last that fits. */
async function assertRoom(path: string, neededBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(dirname(resolve(path)));
  const freeBytes = bavail * bsize;
  if (freeBytes < neededBytes)
    throw new QuarryError(
      "DiskFull",
      `${path} needs ${formatBytes(neededBytes)} more, and ${formatBytes(freeBytes)} are free on its disk`,
    );
}
