/** Writes a whole sealed block file from its first byte to its seal, and reads it back. */
import type { DiskFile } from "../base/disk.ts";
import { QuarryError } from "../base/errors.ts";
import { FREE, type NeedleId, type NeedleOwner } from "../base/ids.ts";
import { NeedleIndex } from "./needle-index.ts";
import { encodeRecord, type RecordHeader, recordBytes, seedOfBlock } from "./record.ts";
import { encodeSuperblock, SUPERBLOCK_BYTES, type Superblock } from "./superblock.ts";
import { walk } from "./walk.ts";

export interface WholeNeedle {
  readonly needle: NeedleId;
  readonly owner: NeedleOwner;
  readonly checksums: Uint32Array;
  readonly data: Uint8Array;
}

const none = new Uint32Array(0);

export class BlockFileWriter {
  readonly index: NeedleIndex = NeedleIndex.open();
  readonly #file: Pick<DiskFile, "write" | "sync">;
  readonly #seed: number;
  /** Gathered for the next write. */
  #parts: Uint8Array[];
  #written = 0;
  #end = SUPERBLOCK_BYTES;
  #syncedBytes = 0;

  constructor(file: Pick<DiskFile, "write" | "sync">, superblock: Superblock) {
    this.#file = file;
    this.#seed = seedOfBlock(superblock);
    this.#parts = [encodeSuperblock(superblock)];
  }

  /** Where the file will end with what was put so far. */
  get endBytes(): number {
    return this.#end;
  }

  get gatheredBytes(): number {
    return this.#end - this.#written;
  }

  /** The data must stay as they are until they are written. */
  put({ needle, owner, checksums, data }: WholeNeedle): void {
    this.index.add(needle, this.#end, data.length);
    this.#add({ kind: "needle", lengthBytes: data.length, needle, ...owner }, checksums, data);
  }

  /** A tombstone, of a needle that is here or was. */
  remove(needle: NeedleId): void {
    this.index.remove(needle);
    this.#add({ kind: "tombstone", lengthBytes: 0, needle, blob: FREE, chunk: 0 });
  }

  async flush(): Promise<void> {
    await this.#file.write(this.#parts, this.#written);
    this.#written = this.#end;
    this.#parts = [];
  }

  /** Makes everything durable, then says so in the seal. Resolves with the length of the file. */
  async seal(): Promise<number> {
    await this.flush();
    await this.#file.sync();
    this.#syncedBytes = this.#end;
    this.#add({ kind: "seal", lengthBytes: 0, needle: 0n as NeedleId, blob: FREE, chunk: 0 });
    await this.flush();
    await this.#file.sync();
    return this.#end;
  }

  #add(header: RecordHeader, checksums: Uint32Array = none, data?: Uint8Array): void {
    const footer = { checksums, syncedBytes: this.#syncedBytes };
    const { head, foot } = encodeRecord(this.#seed, this.#end, header, footer);
    this.#parts.push(head);
    if (data !== undefined && data.length > 0) this.#parts.push(data);
    this.#parts.push(foot);
    this.#end += recordBytes(header.lengthBytes);
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
