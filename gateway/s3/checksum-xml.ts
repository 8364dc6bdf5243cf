/** A checksum as elements of an answer: `ChecksumCRC32` and such, then `ChecksumType`. */
import type { ObjectChecksum } from "../../rpc/objects.ts";
import { element } from "../xml-write.ts";

export function checksumXml(checksum: ObjectChecksum | undefined): string {
  if (checksum === undefined) return "";
  return (
    element(`Checksum${checksum.algorithm}`, checksum.value) +
    element("ChecksumType", checksum.type)
  );
}
