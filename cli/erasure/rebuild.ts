/** `quarry erasure rebuild`: missing and damaged pieces come back from k good ones. */
import type { Disk } from "../../base/disk.ts";
import { QuarryError } from "../../base/errors.ts";
import { Codec } from "../../erasure/codec.ts";
import { CodecMemory } from "../../erasure/memory.ts";
import { rebuildWindows } from "../../erasure/windows.ts";
import { inspect, lost, piecePath, requireEnough, withGoodPieces } from "./folder.ts";
import type { Manifest } from "./manifest.ts";
import { StagedFile } from "./piece-files.ts";

/** The numbers of the pieces that were restored. */
export async function rebuildFolder(disk: Disk, directory: string): Promise<number[]> {
  const folder = await inspect(disk, directory);
  requireEnough(folder);
  const wanted = lost(folder);
  if (wanted.length === 0) return [];
  await using opened = new AsyncDisposableStack();
  const staged = new Map<number, StagedFile>();
  for (const i of wanted)
    staged.set(i, opened.use(await StagedFile.open(disk, piecePath(directory, i))));
  const codec = new Codec(folder.manifest.scheme, new CodecMemory());
  await withGoodPieces(disk, folder, (files) =>
    rebuildWindows(codec, files, staged, { pieceBytes: folder.manifest.pieceBytes }),
  );
  requireCrcs(staged, folder.manifest);
  for (const piece of staged.values()) await piece.commit();
  await disk.syncDirectory(directory);
  return wanted;
}

/** A restored piece gets its name only when it is, byte for byte, what was encoded. */
export function requireCrcs(staged: ReadonlyMap<number, StagedFile>, manifest: Manifest): void {
  for (const [i, piece] of staged)
    if (piece.crc32c !== manifest.crcs[i])
      throw new QuarryError(
        "Damaged",
        `piece ${i} as restored does not have the CRC32C of the manifest: ` +
          "the pieces and the manifest are not of one encoding, or a piece changed meanwhile",
      );
}
