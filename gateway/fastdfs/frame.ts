/**
 * Frames of the FastDFS protocol: ten bytes, then a body. A request's status is a flag of some commands,
 * an answer's an error number of POSIX, and 0 for success.
 *
 *   0   u64  length of the body, big-endian, as all numbers are
 *   8   u8   command; 100 for every answer
 *   9   u8   status
 */
import { QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";

export const HEADER_BYTES = 10;
const RESPONSE = 100;

export interface RequestHead {
  readonly command: number;
  readonly flags: number;
  readonly lengthBytes: number;
}

export function readHead(bytes: Buffer): RequestHead {
  const length = bytes.readBigInt64BE(0);
  if (length < 0n || length > BigInt(limits.putBytes + limits.fastdfsFrameBytes))
    throw new QuarryError("InvalidArgument", `a request of ${length} bytes is none`);
  return {
    lengthBytes: Number(length),
    command: bytes.readUInt8(8),
    flags: bytes.readUInt8(9),
  };
}

export function answerHead(lengthBytes: number, status = 0): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes.writeBigInt64BE(BigInt(lengthBytes), 0);
  bytes.writeUInt8(RESPONSE, 8);
  bytes.writeUInt8(status, 9);
  return bytes;
}

/** Reads the parts of a body one after the other. A body that is too short is refused. */
export class BodyReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  take(lengthBytes: number): Buffer {
    if (lengthBytes > this.left)
      throw new QuarryError("InvalidArgument", "the request ends too early");
    this.#at += lengthBytes;
    return this.#bytes.subarray(this.#at - lengthBytes, this.#at);
  }

  byte(): number {
    return this.take(1).readUInt8(0);
  }

  /** A length or an offset. */
  number(): number {
    const value = this.take(8).readBigInt64BE(0);
    if (value < 0n || value > BigInt(Number.MAX_SAFE_INTEGER))
      throw new QuarryError("InvalidArgument", `${value} is no length`);
    return Number(value);
  }

  /** So many bytes, up to the first that is 0. */
  text(lengthBytes: number): string {
    const bytes = this.take(lengthBytes);
    const end = bytes.indexOf(0);
    return bytes.toString("latin1", 0, end < 0 ? bytes.length : end);
  }

  rest(): string {
    return this.text(this.left);
  }
}

export function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(value));
  return bytes;
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Filled up with 00. What is longer is cut off, as FastDFS does. */
export function padded(text: string, lengthBytes: number): Buffer {
  const bytes = Buffer.alloc(lengthBytes);
  bytes.write(text, "latin1");
  return bytes;
}
