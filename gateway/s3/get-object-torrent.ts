/** GET /bucket/key?torrent: no object has one. */
import type { Answer } from "../answer.ts";
import type { Call } from "../call.ts";
import { S3Error } from "./errors.ts";
import { existingVersion } from "./existing-version.ts";

export async function getObjectTorrent(call: Call): Promise<Answer> {
  await existingVersion(call);
  const { key } = call.target;
  throw new S3Error("NoSuchKey", "There are no torrents here: get the object itself.", {
    Key: key,
  });
}
