/**
 * A state in a file. Little-endian:
 *
 *   header, 64 bytes
 *      0  magic "QUARRYMB"      8  u32 format, 1      12  u32 salt, random
 *     16  u64 created, ms since 1970                  24  reserved, 0
 *     60  u32 CRC32C of bytes 0 … 59
 *   piece, again and again
 *      0  u32 bytes, 1 … 1 MiB
 *      4  u32 CRC32C of salt u32, number of the piece u32 (from 0), bytes u32, the bytes
 *      8  bytes: rows, as group/snapshot-bytes.ts writes them, cut anywhere
 *   end, 64 bytes
 *      0  u32 0                  4  u32 pieces         8  u64 rows       16  u64 bytes of all pieces
 *     24  SHA-256 of everything before the end         56  reserved, 0
 *     60  u32 CRC32C of bytes 0 … 59, seeded with the header's
 */
import { createHash } from "node:crypto";
import { crc32c } from "../../base/checksum.ts";
import type { DiskFile } from "../../base/disk.ts";
import { QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";

const MAGIC = Buffer.from("QUARRYMB");
const FORMAT = 1;
const END_BYTES = 64;
const PIECE_HEAD_BYTES = 8;
export const HEADER_BYTES = 64;

function pieceCheck(salt: number, number: number, bytes: Uint8Array): number {
  const seed = Buffer.alloc(12);
  seed.writeUInt32LE(salt, 0);
  seed.writeUInt32LE(number, 4);
  seed.writeUInt32LE(bytes.length, 8);
  return crc32c(bytes, crc32c(seed));
}

/** Makes the bytes of a backup file, one part after the other. */
export class BackupEncoder {
  readonly #salt: number;
  readonly #hash = createHash("sha256");
  #headerCheck = 0;
  #pieces = 0;
  bytes = 0;

  constructor(salt: number) {
    this.#salt = salt;
  }

  header(createdMs: number): Buffer {
    const head = Buffer.alloc(HEADER_BYTES);
    MAGIC.copy(head);
    head.writeUInt32LE(FORMAT, 8);
    head.writeUInt32LE(this.#salt, 12);
    head.writeBigUInt64LE(BigInt(createdMs), 16);
    this.#headerCheck = crc32c(head.subarray(0, 60));
    head.writeUInt32LE(this.#headerCheck, 60);
    this.#hash.update(head);
    return head;
  }

  piece(bytes: Uint8Array): Buffer[] {
    const head = Buffer.alloc(PIECE_HEAD_BYTES);
    head.writeUInt32LE(bytes.length, 0);
    head.writeUInt32LE(pieceCheck(this.#salt, this.#pieces++, bytes), 4);
    this.#hash.update(head).update(bytes);
    this.bytes += bytes.length;
    return [head, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)];
  }

  end(rows: number): { readonly bytes: Buffer; readonly sha256: string } {
    const end = Buffer.alloc(END_BYTES);
    const hash = this.#hash.digest();
    end.writeUInt32LE(this.#pieces, 4);
    end.writeBigUInt64LE(BigInt(rows), 8);
    end.writeBigUInt64LE(BigInt(this.bytes), 16);
    hash.copy(end, 24);
    end.writeUInt32LE(crc32c(end.subarray(0, 60), this.#headerCheck), 60);
    return { bytes: end, sha256: hash.toString("hex") };
  }
}

export interface BackupEnd {
  readonly createdMs: number;
  readonly rows: number;
  /** Of all pieces. */
  readonly bytes: number;
  readonly sha256: string;
}

/** Reads a backup file from its beginning, checking everything; {@link end} is known behind the last piece. */
export class BackupDecoder {
  readonly #file: DiskFile;
  readonly #hash = createHash("sha256");
  #at = 0;
  end: BackupEnd | undefined;

  constructor(file: DiskFile) {
    this.#file = file;
  }

  /** @throws QuarryError `Damaged` with the place, `NewerFormat`. */
  async *pieces(): AsyncGenerator<Buffer> {
    const head = await this.#read(HEADER_BYTES, "its header");
    if (!MAGIC.equals(head.subarray(0, 8)))
      throw new QuarryError("InvalidArgument", `${this.#file.path} is no backup of metadata`);
    const headerCheck = crc32c(head.subarray(0, 60));
    if (head.readUInt32LE(60) !== headerCheck) throw this.#damaged("its header");
    if (head.readUInt32LE(8) > FORMAT)
      throw new QuarryError(
        "NewerFormat",
        `${this.#file.path} was written by a newer version: update Quarry`,
      );
    this.#hash.update(head);
    const salt = head.readUInt32LE(12);
    let bytes = 0;
    for (let number = 0; ; number++) {
      const pieceHead = await this.#read(PIECE_HEAD_BYTES, `piece ${number}`);
      const lengthBytes = pieceHead.readUInt32LE(0);
      if (lengthBytes === 0) {
        const createdMs = Number(head.readBigUInt64LE(16));
        await this.#readEnd(pieceHead, headerCheck, createdMs, { pieces: number, bytes });
        return;
      }
      if (lengthBytes > limits.raftSnapshotPieceBytes) throw this.#damaged(`piece ${number}`);
      const piece = await this.#read(lengthBytes, `piece ${number}`);
      if (pieceCheck(salt, number, piece) !== pieceHead.readUInt32LE(4))
        throw this.#damaged(`piece ${number}`);
      this.#hash.update(pieceHead).update(piece);
      bytes += piece.length;
      yield piece;
    }
  }

  async #readEnd(
    first: Buffer,
    headerCheck: number,
    createdMs: number,
    seen: { readonly pieces: number; readonly bytes: number },
  ): Promise<void> {
    const end = Buffer.concat([first, await this.#read(END_BYTES - first.length, "its end")]);
    const hash = this.#hash.digest();
    const whole =
      crc32c(end.subarray(0, 60), headerCheck) === end.readUInt32LE(60) &&
      end.readUInt32LE(4) === seen.pieces &&
      Number(end.readBigUInt64LE(16)) === seen.bytes &&
      hash.equals(end.subarray(24, 56)) &&
      (await this.#file.lengthBytes()) === this.#at;
    if (!whole) throw this.#damaged("its end");
    const rows = Number(end.readBigUInt64LE(8));
    this.end = { createdMs, rows, bytes: seen.bytes, sha256: hash.toString("hex") };
  }

  async #read(lengthBytes: number, what: string): Promise<Buffer> {
    const bytes = Buffer.allocUnsafe(lengthBytes);
    const got = await this.#file.read(bytes, this.#at);
    if (got < lengthBytes) throw this.#damaged(`${what} (the file ends too soon)`);
    this.#at += lengthBytes;
    return bytes;
  }

  #damaged(what: string): QuarryError {
    return new QuarryError(
      "Damaged",
      `${this.#file.path} is damaged at byte ${this.#at}: ${what}. Use another backup`,
    );
  }
}
