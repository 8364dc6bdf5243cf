/**
 * msgpack as headers use it: plain maps, 64-bit integers as bigint, typed arrays as themselves, and
 * byte arrays copied out of the buffer they came in.
 */
import { Packr } from "msgpackr";
import { QuarryError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";

const packr = new Packr({
  useRecords: false,
  mapsAsObjects: true,
  moreTypes: true,
  int64AsType: "bigint",
  copyBuffers: true,
});

/** Throws `InvalidArgument` for what msgpack cannot carry, `TooLarge` beyond `limits.rpcHeaderBytes`. */
export function encodeHeader(value: unknown): Buffer {
  let header: Buffer;
  try {
    header = packr.pack(value);
  } catch (error) {
    throw new QuarryError("InvalidArgument", "the message has a value that cannot be sent", {
      cause: error,
    });
  }
  if (header.length > limits.rpcHeaderBytes)
    throw new QuarryError(
      "TooLarge",
      `the message has a header of ${header.length} bytes, more than ${limits.rpcHeaderBytes}: ask for less at once`,
    );
  return header;
}

/** Throws `Protocol` for bytes that are no whole msgpack value. */
export function decodeHeader(header: Buffer): unknown {
  try {
    return packr.unpack(header);
  } catch (error) {
    throw new QuarryError("Protocol", "the peer sent a header that is no msgpack", {
      cause: error,
    });
  }
}
