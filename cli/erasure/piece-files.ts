/**
 * Pieces as files. A piece is written as `N.new`, synced, and renamed only when it is whole: what a
 * crash leaves never has the name of a piece.
 */
import { crc32c } from "../../base/checksum.ts";
import type { Disk, DiskFile } from "../../base/disk.ts";
import { assert, QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import type { PieceSink, PieceSource } from "../../erasure/windows.ts";

/** A file that appears under its name when it is complete. Disposed before that, it is removed. */
export class StagedFile implements PieceSink, AsyncDisposable {
  readonly path: string;
  readonly #disk: Disk;
  readonly #file: DiskFile;
  #crc = 0;
  #lengthBytes = 0;
  #committed = false;

  private constructor(disk: Disk, path: string, file: DiskFile) {
    this.#disk = disk;
    this.path = path;
    this.#file = file;
  }

  static async open(disk: Disk, path: string): Promise<StagedFile> {
    await disk.remove(`${path}.new`);
    return new StagedFile(disk, path, await disk.open(`${path}.new`, "create"));
  }

  /** CRC32C of what was written so far. */
  get crc32c(): number {
    return this.#crc;
  }

  async write(parts: readonly Uint8Array[], offset: number): Promise<void> {
    assert(offset === this.#lengthBytes, "a piece is written from start to end");
    for (const part of parts) {
      this.#crc = crc32c(part, this.#crc);
      this.#lengthBytes += part.length;
    }
    await this.#file.write(parts, offset);
  }

  /** Makes the content durable and gives it its name; the folder is still to be synced. */
  async commit(): Promise<void> {
    await this.#file.sync();
    await this.#file.close();
    await this.#disk.rename(`${this.path}.new`, this.path);
    this.#committed = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
    if (!this.#committed) await this.#disk.remove(`${this.path}.new`);
  }
}

/** One piece's range of the file that is encoded, with zeros behind its end; copied as it is read. */
export function rangeOf(
  file: DiskFile,
  fileBytes: number,
  range: { readonly start: number; readonly copy: PieceSink },
): PieceSource {
  return {
    async read(target, offset) {
      const at = range.start + offset;
      const wanted = Math.max(0, Math.min(target.length, fileBytes - at));
      const got = await file.read(target.subarray(0, wanted), at);
      if (got !== wanted)
        throw new QuarryError(
          "InvalidArgument",
          `${file.path} became shorter while it was read; encode it again when nothing changes it`,
        );
      target.fill(0, wanted);
      await range.copy.write([target], offset);
      return target.length;
    },
  };
}

export type PieceState = "good" | "missing" | "damaged";

/** Reads a whole piece and compares its length and CRC32C. */
export async function stateOfPiece(
  disk: Disk,
  path: string,
  expected: { readonly pieceBytes: number; readonly crc32c: number },
): Promise<PieceState> {
  if (!(await disk.exists(path))) return "missing";
  await using file = await disk.open(path, "read");
  if ((await file.lengthBytes()) !== expected.pieceBytes) return "damaged";
  const window = Buffer.alloc(Math.min(limits.erasureWindowBytes, expected.pieceBytes));
  let crc = 0;
  for (let at = 0; at < expected.pieceBytes; at += window.length) {
    const part = window.subarray(0, Math.min(window.length, expected.pieceBytes - at));
    if ((await file.read(part, at)) !== part.length) return "damaged";
    crc = crc32c(part, crc);
  }
  return crc === expected.crc32c ? "good" : "damaged";
}
