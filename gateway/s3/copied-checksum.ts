/** The checksum of bytes that are copied: the stored one where it fits, else from reading them. */
import type { OpenObject } from "../../client/store.ts";
import type { ChecksumAlgorithm, ObjectChecksum } from "../../rpc/objects.ts";
import { startChecksum } from "../checksums.ts";

export async function checksumOf(
  { object, read }: OpenObject,
  { offset, lengthBytes }: { readonly offset: number; readonly lengthBytes: number },
  algorithm: ChecksumAlgorithm,
): Promise<ObjectChecksum> {
  const stored = object.attributes.checksum;
  const whole = lengthBytes === object.lengthBytes;
  if (whole && stored?.algorithm === algorithm && stored.type === "FULL_OBJECT") return stored;
  const running = startChecksum(algorithm);
  for await (const bytes of read(offset, lengthBytes)) running.update(bytes);
  return { algorithm, value: running.digest(), type: "FULL_OBJECT" };
}
