/** Metadata as FastDFS carries it: name 02 value, records set apart by 01. */
import { QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";

export type Metadata = Readonly<Record<string, string>>;

const RECORD = "\x01";
const FIELD = "\x02";

const text = new TextDecoder("utf-8", { fatal: true });

/** @throws QuarryError `InvalidArgument` for what is not UTF-8, or too long. */
export function parseMetadata(bytes: Uint8Array): Metadata {
  const records = textOf(bytes).split(RECORD);
  const pairs = records.flatMap((record): [string, string][] => {
    const at = record.indexOf(FIELD);
    return at < 0 ? [] : [[record.slice(0, at), record.slice(at + 1)]];
  });
  return checkMetadata(Object.fromEntries(pairs));
}

export function formatMetadata(metadata: Metadata): Buffer {
  const pairs = Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1));
  return Buffer.from(pairs.map((pair) => pair.join(FIELD)).join(RECORD));
}

export function checkMetadata(metadata: Metadata): Metadata {
  for (const [name, value] of Object.entries(metadata)) {
    const names = Buffer.byteLength(name);
    if (names < 1 || names > limits.fastdfsMetaNameBytes)
      throw new QuarryError(
        "InvalidArgument",
        `a name of metadata has 1 to ${limits.fastdfsMetaNameBytes} bytes`,
      );
    if (Buffer.byteLength(value) > limits.fastdfsMetaValueBytes)
      throw new QuarryError(
        "InvalidArgument",
        `a value of metadata has at most ${limits.fastdfsMetaValueBytes} bytes`,
      );
  }
  return metadata;
}

function textOf(bytes: Uint8Array): string {
  try {
    return text.decode(bytes);
  } catch (error) {
    throw new QuarryError("InvalidArgument", "metadata is UTF-8", { cause: error });
  }
}
