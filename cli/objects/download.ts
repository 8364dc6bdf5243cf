/** One object into a local file, which appears under its name only when it is whole. */
import { createWriteStream } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { GetObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { QuarryError } from "../../base/errors.ts";
import { systemRandom } from "../../base/random.ts";
import type { Location } from "./location.ts";

export async function downloadFile(
  client: S3Client,
  from: Location,
  path: string,
  onBytes: (count: number) => void,
): Promise<void> {
  const { Body, ContentLength } = await client.send(
    new GetObjectCommand({ Bucket: from.bucket, Key: from.key }),
  );
  if (!(Body instanceof Readable))
    throw new QuarryError("Protocol", `the store sent no body for ${from.key}`);
  // A name that no object has: `cat.part` may be one, beside `cat`.
  const beside = join(dirname(path), `quarry-${systemRandom.uuid()}.part`);
  let got = 0;
  try {
    await mkdir(dirname(path), { recursive: true });
    await pipeline(
      Body,
      async function* count(source: AsyncIterable<Buffer>) {
        for await (const view of source) {
          got += view.length;
          onBytes(view.length);
          yield view;
        }
      },
      createWriteStream(beside),
    );
    if (ContentLength !== undefined && got !== ContentLength)
      throw new QuarryError(
        "Unavailable",
        `${from.key} ended after ${got} of ${ContentLength} bytes`,
      );
    await rename(beside, path);
  } catch (error) {
    Body.destroy(); // or the connection would keep the program from ending
    await rm(beside, { force: true });
    throw error;
  }
}
