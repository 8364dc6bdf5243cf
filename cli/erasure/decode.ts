/** `quarry erasure decode`: the file comes back from any k good pieces. */
import { crc32c } from "../../base/checksum.ts";
import type { Disk, DiskFile } from "../../base/disk.ts";
import { QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import { Codec } from "../../erasure/codec.ts";
import { CodecMemory } from "../../erasure/memory.ts";
import { type PieceSink, type PieceSource, rebuildWindows } from "../../erasure/windows.ts";
import { inspect, lost, type PieceFolder, requireEnough, withGoodPieces } from "./folder.ts";

/** Writes the content to `path`, which must not exist; returns its length in bytes. */
export async function decodeFolder(disk: Disk, directory: string, path: string): Promise<number> {
  if (await disk.exists(path))
    throw new QuarryError("InvalidArgument", `${path} exists; remove it or choose another name`);
  const folder = await inspect(disk, directory);
  requireEnough(folder);
  const beside = `${path}.quarry-part`;
  await disk.remove(beside);
  try {
    await using file = await disk.open(beside, "create");
    await withGoodPieces(disk, folder, (pieces) => writeContent(folder, pieces, file));
    await file.sync();
  } catch (error) {
    await disk.remove(beside);
    throw error;
  }
  await disk.rename(beside, path);
  await disk.syncDirectory(path.slice(0, Math.max(path.lastIndexOf("/"), 1)));
  return folder.manifest.lengthBytes;
}

async function writeContent(
  folder: PieceFolder,
  pieces: readonly (DiskFile | undefined)[],
  file: DiskFile,
): Promise<void> {
  const { scheme, pieceBytes } = folder.manifest;
  const places = new Map(
    Array.from({ length: scheme.data }, (_, i) => [i, placeOf(folder, i, file)] as const),
  );
  const restored = new Map(
    lost(folder)
      .flatMap((i) => [[i, places.get(i)] as const])
      .filter(has),
  );
  const codec = new Codec(scheme, new CodecMemory());
  if (restored.size > 0) await rebuildWindows(codec, pieces, restored, { pieceBytes });
  for (const [i, place] of places) {
    const piece = pieces[i];
    if (piece !== undefined) await copy(piece, place, pieceBytes);
    place.finish();
  }
}

interface Place extends PieceSink {
  /** Throws `Damaged` when what was written is not the piece of the manifest. */
  finish(): void;
}

/** Where data piece `i` stands in the content: what is behind the content's end is left out. */
function placeOf({ manifest }: PieceFolder, i: number, file: DiskFile): Place {
  const start = i * manifest.pieceBytes;
  let crc = 0;
  return {
    async write(parts, offset) {
      let at = start + offset;
      for (const part of parts) {
        crc = crc32c(part, crc);
        const kept = part.subarray(0, Math.max(0, manifest.lengthBytes - at));
        if (kept.length > 0) await file.write([kept], at);
        at += part.length;
      }
    },
    finish() {
      if (crc !== manifest.crcs[i])
        throw new QuarryError(
          "Damaged",
          `data piece ${i} does not have the CRC32C of the manifest: the pieces and the manifest ` +
            "are not of one encoding, or a piece changed meanwhile",
        );
    },
  };
}

async function copy(from: PieceSource, to: PieceSink, lengthBytes: number): Promise<void> {
  const window = Buffer.alloc(Math.min(limits.erasureWindowBytes, lengthBytes));
  for (let at = 0; at < lengthBytes; at += window.length) {
    const part = window.subarray(0, Math.min(window.length, lengthBytes - at));
    await from.read(part, at);
    await to.write([part], at);
  }
}

const has = <T>(entry: readonly [number, T | undefined]): entry is readonly [number, T] =>
  entry[1] !== undefined;
