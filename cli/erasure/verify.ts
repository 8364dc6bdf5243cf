/** `quarry erasure verify`: every piece against its CRC32C, and the parities against the data. */
import type { Disk, DiskFile } from "../../base/disk.ts";
import { Codec } from "../../erasure/codec.ts";
import { CodecMemory } from "../../erasure/memory.ts";
import { verifyWindows } from "../../erasure/windows.ts";
import { inspect, lost, type PieceFolder, withGoodPieces } from "./folder.ts";

export interface Verdict extends PieceFolder {
  /** Parities that are not what the data gives though their CRCs are right; none is usual. */
  readonly wrongParities: readonly number[];
}

export async function verifyFolder(disk: Disk, directory: string): Promise<Verdict> {
  const folder = await inspect(disk, directory);
  if (lost(folder).length > 0) return { ...folder, wrongParities: [] };
  const codec = new Codec(folder.manifest.scheme, new CodecMemory());
  const wrongParities = await withGoodPieces(disk, folder, (files) =>
    verifyWindows(
      codec,
      files.filter((file): file is DiskFile => file !== undefined),
      { pieceBytes: folder.manifest.pieceBytes },
    ),
  );
  return { ...folder, wrongParities };
}
