/** A folder of pieces that is already there: its manifest, and the state of each piece. */
import type { Disk, DiskFile } from "../../base/disk.ts";
import { QuarryError } from "../../base/errors.ts";
import { showScheme } from "../../erasure/scheme.ts";
import { type Manifest, readManifest } from "./manifest.ts";
import { type PieceState, stateOfPiece } from "./piece-files.ts";

export interface PieceFolder {
  readonly directory: string;
  readonly manifest: Manifest;
  readonly states: readonly PieceState[];
}

/** Reads the manifest and all pieces. */
export async function inspect(disk: Disk, directory: string): Promise<PieceFolder> {
  const manifest = await readManifest(disk, directory);
  const states: PieceState[] = [];
  for (const [i, crc32c] of manifest.crcs.entries())
    states.push(
      await stateOfPiece(disk, piecePath(directory, i), {
        pieceBytes: manifest.pieceBytes,
        crc32c,
      }),
    );
  return { directory, manifest, states };
}

export const piecePath = (directory: string, piece: number): string => `${directory}/${piece}`;

/** The numbers of the pieces that cannot be used. */
export const lost = ({ states }: PieceFolder): number[] =>
  states.flatMap((state, i) => (state === "good" ? [] : [i]));

/** Throws `TooFewPieces`, naming the files, when what is good does not suffice. */
export function requireEnough(folder: PieceFolder): void {
  const { scheme } = folder.manifest;
  const bad = lost(folder);
  if (bad.length <= scheme.parity) return;
  const named = bad.map((i) => `${i} (${folder.states[i]})`).join(", ");
  throw new QuarryError(
    "TooFewPieces",
    `${folder.directory} has ${folder.states.length - bad.length} good pieces; ` +
      `${showScheme(scheme)} needs ${scheme.data}. Bring back ${bad.length - scheme.parity} of: ${named}`,
  );
}

/** Opens the good pieces while `use` runs; `undefined` stands for the others. */
export async function withGoodPieces<T>(
  disk: Disk,
  { directory, states }: PieceFolder,
  use: (files: readonly (DiskFile | undefined)[]) => Promise<T>,
): Promise<T> {
  await using opened = new AsyncDisposableStack();
  const files: (DiskFile | undefined)[] = [];
  for (const [i, state] of states.entries())
    files.push(
      state === "good" ? opened.use(await disk.open(piecePath(directory, i), "read")) : undefined,
    );
  return await use(files);
}
