/** Writes a whole sealed block file, needle by needle, and reads it back. */
import type { DiskFile } from "../base/disk.ts";
import { QuarryError } from "../base/errors.ts";
import type { NeedleId } from "../base/ids.ts";
import { NeedleIndex } from "./needle-index.ts";
import { seedOfBlock } from "./record.ts";
import { RecordWriter, type WholeNeedle } from "./record-writer.ts";
import { SUPERBLOCK_BYTES, type Superblock } from "./superblock.ts";
import { walk } from "./walk.ts";

export class BlockFileWriter {
  readonly index: NeedleIndex = NeedleIndex.open();
  readonly #file: Pick<DiskFile, "write" | "sync">;
  readonly #records: RecordWriter;

  constructor(file: Pick<DiskFile, "write" | "sync">, superblock: Superblock) {
    this.#file = file;
    this.#records = new RecordWriter(file, superblock);
  }

  /** Where the file will end with what was put so far. */
  get endBytes(): number {
    return this.#records.endBytes;
  }

  get gatheredBytes(): number {
    return this.#records.gatheredBytes;
  }

  /** The data must stay as they are until they are written. */
  put(needle: WholeNeedle): void {
    this.index.add(needle.needle, this.endBytes, needle.data.length);
    this.#records.put(needle);
  }

  /** A tombstone, of a needle that is here or was. */
  remove(needle: NeedleId): void {
    this.index.remove(needle);
    this.#records.remove(needle);
  }

  async flush(): Promise<void> {
    await this.#records.flush();
    await this.#records.written();
  }

  /** Seals it and makes everything durable. Resolves with the length of the file. */
  async seal(): Promise<number> {
    const fileBytes = await this.#records.seal();
    await this.#file.sync();
    return fileBytes;
  }
}

/** What a block file holds, every byte checked. @throws QuarryError `Damaged`. */
export async function readBack(
  file: DiskFile,
  superblock: Superblock,
  fileBytes: number,
  afterRead?: (bytes: number) => Promise<void>,
): Promise<NeedleIndex> {
  const index = NeedleIndex.open();
  const { block } = superblock;
  const options = { file, block, seed: seedOfBlock(superblock), from: SUPERBLOCK_BYTES };
  const steps = walk({ ...options, to: fileBytes, ...(afterRead && { afterRead }) });
  for await (const { bad, header, offset } of steps) {
    if (bad.length > 0)
      throw new QuarryError("Damaged", `${file.path} was read back with errors at ${offset}`);
    if (header?.kind === "needle") index.add(header.needle, offset, header.lengthBytes);
    if (header?.kind === "tombstone") index.remove(header.needle);
  }
  return index;
}
