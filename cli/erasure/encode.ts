/** `quarry erasure encode`: a file becomes k + m pieces and a manifest. */
import type { Disk } from "../../base/disk.ts";
import { assert, QuarryError } from "../../base/errors.ts";
import { Codec } from "../../erasure/codec.ts";
import { CodecMemory } from "../../erasure/memory.ts";
import { pieceBytesOf, pieceCount, type Scheme } from "../../erasure/scheme.ts";
import { encodeWindows } from "../../erasure/windows.ts";
import { piecePath } from "./folder.ts";
import { MANIFEST, type Manifest, writeManifest } from "./manifest.ts";
import { rangeOf, StagedFile } from "./piece-files.ts";

/** Reads the file once, window by window. The manifest is written when all pieces are durable. */
export async function encodeFile(
  disk: Disk,
  scheme: Scheme,
  path: string,
  directory: string,
): Promise<Manifest> {
  await using file = await disk.open(path, "read");
  await disk.makeDirectory(directory);
  await requireFree(disk, directory);
  const lengthBytes = await file.lengthBytes();
  const pieceBytes = pieceBytesOf(scheme, lengthBytes);
  await using opened = new AsyncDisposableStack();
  const staged: StagedFile[] = [];
  for (let i = 0; i < pieceCount(scheme); i++)
    staged.push(opened.use(await StagedFile.open(disk, piecePath(directory, i))));
  const sources = staged
    .slice(0, scheme.data)
    .map((copy, i) => rangeOf(file, lengthBytes, { start: i * pieceBytes, copy }));
  const codec = new Codec(scheme, new CodecMemory());
  await encodeWindows(codec, sources, staged.slice(scheme.data), { pieceBytes });
  if ((await file.lengthBytes()) !== lengthBytes)
    throw new QuarryError(
      "InvalidArgument",
      `${path} changed its length while it was read; encode it again when nothing changes it`,
    );
  for (const piece of staged) await piece.commit();
  await disk.syncDirectory(directory);
  const manifest = { scheme, lengthBytes, pieceBytes, crcs: staged.map((piece) => piece.crc32c) };
  assert(manifest.crcs.length === pieceCount(scheme), "each piece has its CRC");
  await writeManifest(disk, directory, manifest);
  return manifest;
}

/** Nothing that is in the folder is replaced but the unfinished files (`N.new`) of an encoding. */
async function requireFree(disk: Disk, directory: string): Promise<void> {
  const names = await disk.list(directory);
  if (names.includes(MANIFEST))
    throw new QuarryError(
      "InvalidArgument",
      `${directory} holds pieces already; choose another folder, or remove them`,
    );
  const other = names.find((name) => !/^(\d{1,3}|manifest\.json)\.new$/.test(name));
  if (other !== undefined)
    throw new QuarryError(
      "InvalidArgument",
      `${directory} holds files (${other}) and no ${MANIFEST}; choose an empty folder or a new one. ` +
        "If they are pieces of an encoding that did not finish, remove them first",
    );
}
