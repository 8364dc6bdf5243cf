/** Bytes of unknown length (the standard input) into an object, part by part. */

import { contentTypeOf } from "../../base/content-type.ts";
import { QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import { giveUpUpload } from "./listing-uploads.ts";
import type { Location } from "./location.ts";
import { beginUpload, completeUpload, type SentPart } from "./multipart.ts";
import { inParallel } from "./parallel.ts";
import { sendBuffer } from "./send-body.ts";
import type { Session } from "./session.ts";
import type { Uploaded } from "./upload.ts";

interface FilledPart {
  readonly number: number;
  readonly body: Buffer;
  readonly isLast: boolean;
  readonly release: () => void;
}

export async function uploadStream(
  session: Session,
  source: AsyncIterable<Buffer>,
  to: Location,
): Promise<Uploaded> {
  const target = { Bucket: to.bucket, Key: to.key };
  const parts: SentPart[] = [];
  let bytes = 0;
  let upload: Promise<{ readonly uploadId: string; readonly checksums: boolean }> | undefined;
  const sendPart = async ({ number, body, isLast, release }: FilledPart) => {
    try {
      if (number === 1 && isLast) {
        const input = { ...target, ContentType: contentTypeOf(to.key), ...session.attributes };
        const sent = await sendBuffer(session, { kind: "object", input }, body);
        parts.push({ ...sent, number, bytes: body.length });
      } else {
        upload ??= beginUpload(session, to, to.key);
        const { uploadId } = await upload;
        const input = { ...target, UploadId: uploadId, PartNumber: number };
        const sent = await sendBuffer(session, { kind: "part", input }, body);
        parts[number - 1] = { ...sent, number, bytes: body.length };
      }
      bytes += body.length;
      session.report.progress.add(body.length);
    } finally {
      release();
    }
  };
  try {
    await inParallel(fillParts(session, source), session.parallel, sendPart);
    const done =
      upload === undefined ? parts[0] : await completeUpload(session, to, await upload, parts);
    if (done === undefined) throw new QuarryError("InvalidArgument", "there was nothing to store");
    return { etag: done.etag, bytes, proof: done.proof, resumedBytes: 0 };
  } catch (error) {
    // What came through a pipe cannot be had again: nothing to resume.
    const begun = await upload?.catch(() => undefined);
    if (begun !== undefined)
      await giveUpUpload(session.client, to, begun.uploadId).catch((abortError: unknown) =>
        session.report.failed(`giving up the unfinished upload to ${to.key}`, abortError),
      );
    throw error;
  }
}

/** One part is held back until it is known whether it is the last. */
async function* fillParts(
  session: Session,
  source: AsyncIterable<Buffer>,
): AsyncGenerator<FilledPart> {
  const partBytes = Math.min(session.partBytes, limits.cliBufferBytes);
  let memory = await session.memory.take(partBytes);
  let filled = 0;
  let number = 1;
  let handedOver = false;
  const part = (isLast: boolean): FilledPart => {
    const { buffer } = memory;
    const held = memory;
    handedOver = true;
    return {
      number: number++,
      body: buffer.subarray(0, filled),
      isLast,
      release: () => held[Symbol.dispose](),
    };
  };
  try {
    for await (const view of source) {
      for (let done = 0; done < view.length; ) {
        if (filled === partBytes) {
          if (number >= limits.partNumber)
            throw new QuarryError(
              "TooLarge",
              `the input is longer than ${limits.partNumber} parts of ${partBytes} bytes; use a larger --part-size (at most 16M), or a file`,
            );
          yield part(false);
          memory = await session.memory.take(partBytes);
          handedOver = false;
          filled = 0;
        }
        const copied = view.copy(memory.buffer, filled, done);
        filled += copied;
        done += copied;
      }
    }
    yield part(true);
  } finally {
    if (!handedOver) memory[Symbol.dispose]();
  }
}
