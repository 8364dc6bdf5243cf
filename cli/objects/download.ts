/**
 * One object into a local file, which appears under its name only when it is whole and its bytes are
 * proved.
 */
import { lstat, open, realpath, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { HeadObjectCommand } from "@aws-sdk/client-s3";
import { QuarryError } from "../../base/errors.ts";
import { systemRandom } from "../../base/random.ts";
import { downloadRanges } from "./download-ranges.ts";
import { GATHER_BYTES, writeAll } from "./gathered-write.ts";
import { forgetUnderWay, partUnderWay } from "./interruption.ts";
import { expectedOf, proofName, startExpected } from "./object-check.ts";
import { openObject, type Source } from "./open-object.ts";
import type { Session } from "./session.ts";
import { SMALL_BYTES, writeSmall } from "./small-file.ts";

export interface Downloaded {
  readonly bytes: number;
  readonly etag: string;
  /** What was compared: `CRC32C`, `MD5`, …, `length only`. */
  readonly proof: string;
  readonly resumedBytes: number;
}

/** `bytes`: the size if it is known. The folder of `path` must exist. */
export async function downloadFile(
  session: Session,
  from: Source,
  path: string,
  bytes: number,
): Promise<Downloaded> {
  if (bytes > 2 * session.partBytes) {
    const head = await session.client.send(
      new HeadObjectCommand({
        Bucket: from.bucket,
        Key: from.key,
        ChecksumMode: "ENABLED",
        ...(from.versionId !== undefined && { VersionId: from.versionId }),
      }),
    );
    if (head.ETag !== undefined && head.ContentLength !== undefined)
      return downloadRanges(session, from, path, {
        ...head,
        ETag: head.ETag,
        ContentLength: head.ContentLength,
      });
  }
  return downloadWhole(session, from, path, bytes);
}

async function downloadWhole(
  session: Session,
  from: Source,
  path: string,
  bytes: number,
): Promise<Downloaded> {
  using _memory = await session.memory.share(Math.min(bytes, 2 * GATHER_BYTES));
  const opened = await openObject(session, from);
  const { answer, lengthBytes } = opened;
  const expected = expectedOf(answer);
  const sum = startExpected(expected);
  // A name that no object has: `cat.part` may be one, beside `cat`.
  const beside = partUnderWay(join(dirname(path), `.quarry-${systemRandom.uuid()}.part`));
  const onBytes = (count: number) => session.report.progress.add(count);
  const check = () => {
    if (expected.kind !== "length" && sum.hex() !== expected.hex)
      throw new QuarryError(
        "Damaged",
        `the bytes of ${from.key} are not those that were stored (${expected.name} differs); try again`,
      );
  };
  try {
    if (lengthBytes <= SMALL_BYTES) {
      const content = await gather(opened.bytes());
      sum.update(content);
      check();
      await writeSmall(beside, path, content, answer.LastModified);
      onBytes(lengthBytes);
    } else {
      {
        await using file = await open(beside, "wx");
        await writeAll(file, 0, opened.bytes(), [sum], onBytes);
        check();
        if (answer.LastModified !== undefined)
          await file.utimes(answer.LastModified, answer.LastModified);
      }
      await rename(beside, path);
    }
    forgetUnderWay(beside);
  } catch (error) {
    forgetUnderWay(beside);
    opened.close(); // or the connection would keep the program from ending
    await rm(beside, { force: true });
    throw error;
  }
  return {
    bytes: lengthBytes,
    etag: answer.ETag ?? "",
    proof: proofName(expected),
    resumedBytes: 0,
  };
}

async function gather(source: AsyncIterable<Buffer>): Promise<Buffer> {
  const views: Buffer[] = [];
  for await (const view of source) views.push(view);
  return views.length === 1 && views[0] !== undefined ? views[0] : Buffer.concat(views);
}

/**
 * Where a download to `path` is written: through a link that the user made, and straight into what
 * is no file (`/dev/null`, a pipe), which must not be replaced.
 */
export async function destinationOf(
  path: string,
): Promise<{ readonly kind: "file" | "device"; readonly path: string }> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined || found.isFile()) return { kind: "file", path };
  const target = await stat(path).catch(() => undefined);
  if (target === undefined || target.isFile())
    return { kind: "file", path: await realpath(path).catch(() => path) };
  if (target.isDirectory())
    throw new QuarryError(
      "InvalidArgument",
      `${path} is a folder: a folder is where a file is needed`,
    );
  return { kind: "device", path };
}
