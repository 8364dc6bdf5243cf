/**
 * Checks LevelDB's files before LevelDB opens them: every block of every table of the state, and the
 * MANIFEST. LevelDB itself checks a block when it first reads it, and returns harmed ones as good
 * unless told otherwise; a server must know before it serves.
 *
 *   table    blocks, each followed by u8 type (0 plain) and u32 masked CRC32C of block and type; the
 *            last are the filter, the metaindex and the index; then the footer of 48 bytes: where
 *            metaindex and index stand (varints), zeros up to byte 40, magic u64
 *   block    entries: varints shared, unshared, value length; key rest; value; then u32 restart
 *            points and their u32 count
 */
import { crc32c } from "../base/checksum.ts";
import { type Disk, readWhole } from "../base/disk.ts";
import { levelDamage, liveTables, unmask, VarintReader } from "./level-manifest.ts";

const FOOTER_BYTES = 48;
const TRAILER_BYTES = 5;
const TABLE_MAGIC = 0xdb4775248b80fb57n;
const READERS = 4;

interface BlockHandle {
  readonly offset: number;
  readonly size: number;
}

/** @throws QuarryError `Damaged` naming the file and the place. */
export async function checkLevel(disk: Disk, directory: string): Promise<void> {
  const currentPath = `${directory}/CURRENT`;
  const current = (await readWhole(disk, currentPath)).toString("latin1");
  const name = /^(MANIFEST-\d+)\n$/.exec(current)?.[1];
  if (name === undefined) throw levelDamage(currentPath, 0, "it names no MANIFEST");
  const names = new Set(await disk.list(directory));
  if (!names.has(name)) throw levelDamage(currentPath, 0, `there is no ${name}`);
  const manifestPath = `${directory}/${name}`;
  const live = liveTables(manifestPath, await readWhole(disk, manifestPath));
  const waiting = [...live].map(([number, size]) => ({
    name: `${String(number).padStart(6, "0")}.ldb`,
    size,
  }));
  const reader = async () => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const path = `${directory}/${next.name}`;
      if (!names.has(next.name)) throw levelDamage(path, 0, "the table is gone");
      checkTable(path, await readWhole(disk, path), next.size);
    }
  };
  await Promise.all(Array.from({ length: READERS }, reader));
}

/** Every byte of a table belongs to a block whose checksum holds, or to the footer. */
export function checkTable(path: string, table: Buffer, wantedBytes: number): void {
  if (table.length !== wantedBytes)
    throw levelDamage(path, 0, `it has ${table.length} bytes instead of ${wantedBytes}`);
  const footerAt = table.length - FOOTER_BYTES;
  if (footerAt < 0 || table.readBigUInt64LE(table.length - 8) !== TABLE_MAGIC)
    throw levelDamage(path, Math.max(footerAt, 0), "the footer is not that of a table");
  const footer = new VarintReader(table, footerAt);
  const metaindex = readHandle(footer);
  const index = readHandle(footer);
  for (let at = footer.at; at < table.length - 8; at++)
    if (table[at] !== 0) throw levelDamage(path, at, "the footer is not that of a table");
  const meta = blockAt(path, table, metaindex);
  const data = blockAt(path, table, index);
  const handles = [...handlesIn(path, data), ...handlesIn(path, meta), metaindex, index];
  let covered = 0;
  for (const handle of handles.sort((a, b) => a.offset - b.offset)) {
    if (handle.offset !== covered) throw levelDamage(path, covered, "no block begins there");
    blockAt(path, table, handle);
    covered += handle.size + TRAILER_BYTES;
  }
  if (covered !== footerAt) throw levelDamage(path, covered, "no block begins there");
}

function readHandle(from: VarintReader): BlockHandle {
  const offset = from.varint();
  return { offset, size: from.varint() };
}

function blockAt(path: string, table: Buffer, { offset, size }: BlockHandle): Buffer {
  const end = offset + size;
  // Written so that a handle that is no number fails, too.
  if (!(end + TRAILER_BYTES <= table.length - FOOTER_BYTES))
    throw levelDamage(path, table.length - FOOTER_BYTES, "a block ends behind the table");
  const sum = crc32c(table.subarray(offset, end + 1));
  if (unmask(table.readUInt32LE(end + 1)) !== sum)
    throw levelDamage(path, offset, `the block of ${size} bytes there fails its checksum`);
  if (table[end] !== 0) throw levelDamage(path, offset, "the block there is compressed");
  return table.subarray(offset, end);
}

/** The handles that an index block's entries hold. */
function handlesIn(path: string, block: Buffer): BlockHandle[] {
  const restarts = block.length < 4 ? Number.NaN : block.readUInt32LE(block.length - 4);
  const end = block.length - 4 - restarts * 4;
  if (!(end >= 0)) throw levelDamage(path, 0, "an index block has no restart points");
  const handles: BlockHandle[] = [];
  const entries = new VarintReader(block);
  while (entries.at < end) {
    entries.varint();
    const keyBytes = entries.varint();
    const valueBytes = entries.varint();
    const valueAt = entries.at + keyBytes;
    entries.at = valueAt;
    handles.push(readHandle(entries));
    entries.at = valueAt + valueBytes;
    if (!(entries.at <= end)) throw levelDamage(path, 0, "an index block ends within an entry");
  }
  return handles;
}
