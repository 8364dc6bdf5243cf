/** An object into what is written from front to back: the standard output, a pipe, `/dev/null`. */
import { createWriteStream } from "node:fs";
import type { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { QuarryError } from "../../base/errors.ts";
import type { Downloaded } from "./download.ts";
import { expectedOf, proofName, startExpected } from "./object-check.ts";
import { openObject, type Source } from "./open-object.ts";
import type { Session } from "./session.ts";

export async function downloadToDevice(
  session: Session,
  from: Source,
  path: string,
): Promise<Downloaded> {
  return streamObject(session, from, createWriteStream(path), undefined);
}

/** With a range nothing is compared but the length: checksums are of the whole. */
export async function streamObject(
  session: Session,
  from: Source,
  to: Writable,
  range: string | undefined,
): Promise<Downloaded> {
  const { answer, bytes, lengthBytes } = await openObject(session, from, range);
  const expected = range === undefined ? expectedOf(answer) : ({ kind: "length" } as const);
  const sum = startExpected(expected);
  await pipeline(
    bytes,
    async function* summed(source: AsyncIterable<Buffer>) {
      for await (const view of source) {
        sum.update(view);
        session.report.progress.add(view.length);
        yield view;
      }
    },
    to,
    { end: to !== process.stdout },
  );
  if (expected.kind !== "length" && sum.hex() !== expected.hex)
    throw new QuarryError(
      "Damaged",
      `what was just written is not what was stored in ${from.key} (${expected.name} differs)`,
    );
  return {
    bytes: lengthBytes,
    etag: answer.ETag ?? "",
    proof: proofName(expected),
    resumedBytes: 0,
  };
}
