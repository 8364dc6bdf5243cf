/**
 * What is beside the pieces in a folder: `manifest.json`, written last, so that a folder with one
 * holds a finished encoding.
 *
 *     { "format": "quarry-erasure", "version": 1, "scheme": "4+2", "lengthBytes": 1000,
 *       "pieceBytes": 250, "pieces": ["<CRC32C of piece 0, 8 hex digits>", …] }
 *
 * The pieces are the files `0` … `k+m-1`, each of `pieceBytes`: first k of data (the file, one run
 * after the other, zeros behind its end), then m of parity.
 */
import { z } from "zod";
import { type Disk, readWhole, replaceWhole } from "../../base/disk.ts";
import { QuarryError } from "../../base/errors.ts";
import {
  parseScheme,
  pieceBytesOf,
  pieceCount,
  type Scheme,
  showScheme,
} from "../../erasure/scheme.ts";

export const MANIFEST = "manifest.json";

const schema = z.strictObject({
  format: z.literal("quarry-erasure"),
  version: z.literal(1),
  scheme: z.string(),
  lengthBytes: z.int().min(0),
  pieceBytes: z.int().min(0),
  pieces: z.array(z.string().regex(/^[0-9a-f]{8}$/)),
});

export interface Manifest {
  readonly scheme: Scheme;
  readonly lengthBytes: number;
  readonly pieceBytes: number;
  /** CRC32C of each piece. */
  readonly crcs: readonly number[];
}

export async function writeManifest(
  disk: Disk,
  directory: string,
  manifest: Manifest,
): Promise<void> {
  const content: z.infer<typeof schema> = {
    format: "quarry-erasure",
    version: 1,
    scheme: showScheme(manifest.scheme),
    lengthBytes: manifest.lengthBytes,
    pieceBytes: manifest.pieceBytes,
    pieces: manifest.crcs.map(showCrc),
  };
  const text = `${JSON.stringify(content, null, 2)}\n`;
  await replaceWhole(disk, `${directory}/${MANIFEST}`, Buffer.from(text));
}

export async function readManifest(disk: Disk, directory: string): Promise<Manifest> {
  const path = `${directory}/${MANIFEST}`;
  if (!(await disk.exists(path)))
    throw new QuarryError(
      "InvalidArgument",
      `${directory} has no ${MANIFEST}: it is no folder of pieces, or encoding did not finish; ` +
        "encode again",
    );
  const found = schema.safeParse(parseJson((await readWhole(disk, path)).toString()));
  if (!found.success) throw damaged(path, z.prettifyError(found.error));
  const { lengthBytes, pieceBytes, pieces } = found.data;
  const scheme = parseScheme(found.data.scheme);
  if (pieces.length !== pieceCount(scheme))
    throw damaged(path, `it lists ${pieces.length} pieces, its scheme has ${pieceCount(scheme)}`);
  if (pieceBytes !== pieceBytesOf(scheme, lengthBytes))
    throw damaged(path, `pieceBytes must be ${pieceBytesOf(scheme, lengthBytes)}`);
  return { scheme, lengthBytes, pieceBytes, crcs: pieces.map((crc) => Number.parseInt(crc, 16)) };
}

const showCrc = (crc: number): string => crc.toString(16).padStart(8, "0");

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the schema says what should be there
  }
}

function damaged(path: string, why: string): QuarryError {
  return new QuarryError("Damaged", `${path} is damaged: ${why}`);
}
