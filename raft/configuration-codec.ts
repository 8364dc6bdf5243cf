/**
 * A configuration as the data of its entry, little-endian:
 *
 *   0  u8 format, 1      1  u8 counts of voters, outgoing, learners, demoted
 *   5  u64 ids, list after list
 */
import { QuarryError } from "../base/errors.ts";
import type { NodeId } from "../base/ids.ts";
import type { Configuration } from "./configuration.ts";

const FORMAT = 1;
const HEAD_BYTES = 5;
const ID_BYTES = 8;

export function encodeConfiguration(configuration: Configuration): Buffer {
  const { voters, outgoing, learners, demoted } = configuration;
  const lists = [voters, outgoing, learners, demoted];
  const ids = lists.flat();
  const bytes = Buffer.alloc(HEAD_BYTES + ids.length * ID_BYTES);
  bytes[0] = FORMAT;
  lists.forEach((list, i) => {
    bytes.writeUInt8(list.length, 1 + i);
  });
  ids.forEach((id, i) => {
    bytes.writeBigUInt64LE(BigInt(id), HEAD_BYTES + i * ID_BYTES);
  });
  return bytes;
}

/** @throws QuarryError `NewerFormat`, `Damaged`. */
export function decodeConfiguration(data: Uint8Array): Configuration {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const format = bytes.length < HEAD_BYTES ? 0 : bytes.readUInt8(0);
  if (format > FORMAT)
    throw new QuarryError(
      "NewerFormat",
      "the members were changed by a newer version of Quarry; install that version",
    );
  let at = HEAD_BYTES;
  const list = (place: number) => {
    const ids: NodeId[] = [];
    for (let left = bytes.readUInt8(1 + place); left > 0; left--, at += ID_BYTES)
      ids.push(Number(bytes.readBigUInt64LE(at)) as NodeId);
    return ids;
  };
  try {
    if (format !== FORMAT) throw new RangeError("no format");
    const read = { voters: list(0), outgoing: list(1), learners: list(2), demoted: list(3) };
    if (at !== bytes.length) throw new RangeError("bytes are left");
    return read;
  } catch (error) {
    throw new QuarryError("Damaged", "a log record holds no configuration", { cause: error });
  }
}
