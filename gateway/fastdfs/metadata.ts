/**
 * Metadata as FastDFS carries it: name 02 value, records set apart by 01; any other bytes may stand in
 * either. What is UTF-8 is kept as text. What is not, as GBK is not, is kept as U+FFFF and one character a
 * byte, so that it comes back as it was; nobody's text begins with U+FFFF. So is the one name that rows
 * and messages have no field of.
 */
import { QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";

export type Metadata = Readonly<Record<string, string>>;

const RECORD = 1;
const FIELD = 2;
const NOT_TEXT = "\uffff";
const UNKEEPABLE = "__proto__";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** @throws QuarryError `InvalidArgument` for what is too long. */
export function parseMetadata(bytes: Buffer): Metadata {
  const pairs = piecesOf(bytes, RECORD).flatMap((record): [string, string][] => {
    const at = record.indexOf(FIELD);
    return at < 0 ? [] : [[textOf(record.subarray(0, at)), textOf(record.subarray(at + 1))]];
  });
  return checkMetadata(Object.fromEntries(pairs));
}

export function formatMetadata(metadata: Metadata): Buffer {
  const records = Object.entries(metadata).map(([name, value]) =>
    Buffer.concat([bytesOf(name), Buffer.from([FIELD]), bytesOf(value)]),
  );
  const separated = records
    .toSorted(Buffer.compare)
    .flatMap((record, i) => (i === 0 ? [record] : [Buffer.from([RECORD]), record]));
  return Buffer.concat(separated);
}

export function checkMetadata(metadata: Metadata): Metadata {
  for (const [name, value] of Object.entries(metadata)) {
    const nameBytes = bytesOf(name).length;
    if (nameBytes < 1 || nameBytes > limits.fastdfsMetaNameBytes)
      throw new QuarryError(
        "InvalidArgument",
        `a name of metadata has 1 to ${limits.fastdfsMetaNameBytes} bytes`,
      );
    if (bytesOf(value).length > limits.fastdfsMetaValueBytes)
      throw new QuarryError(
        "InvalidArgument",
        `a value of metadata has at most ${limits.fastdfsMetaValueBytes} bytes`,
      );
    if (name === UNKEEPABLE)
      throw new QuarryError("InvalidArgument", `metadata cannot be called ${UNKEEPABLE}`);
    if (bytesOf(name).includes(FIELD) || bytesOf(name + value).includes(RECORD))
      throw new QuarryError("InvalidArgument", "01 and 02 are what sets metadata apart");
  }
  return metadata;
}

function piecesOf(bytes: Buffer, separator: number): Buffer[] {
  const pieces: Buffer[] = [];
  let from = 0;
  for (let at = bytes.indexOf(separator); at >= 0; at = bytes.indexOf(separator, from)) {
    pieces.push(bytes.subarray(from, at));
    from = at + 1;
  }
  return [...pieces, bytes.subarray(from)];
}

function textOf(bytes: Buffer): string {
  try {
    const text = utf8.decode(bytes);
    if (!text.startsWith(NOT_TEXT) && text !== UNKEEPABLE) return text;
  } catch {
    // It is kept byte by byte.
  }
  return NOT_TEXT + bytes.toString("latin1");
}

const bytesOf = (text: string) =>
  text.startsWith(NOT_TEXT) ? Buffer.from(text.slice(1), "latin1") : Buffer.from(text);
