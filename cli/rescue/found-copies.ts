/** Copies of the metadata that blocks still hold: which are whole, and how far they reach. */
import { createHash } from "node:crypto";
import { crc32c } from "../../base/checksum.ts";
import type { Disk } from "../../base/disk.ts";
import type { BlobId, LogIndex, NeedleId } from "../../base/ids.ts";
import { type InspectedBlock, readNeedle } from "../../dataserver/inspect.ts";
import { type CopyKind, copyOf } from "../../nameserver/copies/copy-blobs.ts";
import { decodeLogRun } from "../../nameserver/copies/log-run.ts";
import { decodeManifest, type Manifest } from "../../nameserver/copies/manifest.ts";
import type { Entry } from "../../raft/entry.ts";
import type { Chunk } from "../../rpc/objects.ts";

interface CopyNeedle {
  readonly from: InspectedBlock;
  readonly needle: NeedleId;
  readonly chunk: number;
  readonly lengthBytes: number;
}

export interface Snapshot {
  readonly manifest: Manifest;
  /** The bytes of its rows. */
  pieces(): AsyncGenerator<Buffer>;
}

export class FoundCopies {
  readonly #disk: Disk;
  readonly #needles: Record<CopyKind, Map<LogIndex, CopyNeedle[]>> = {
    snapshot: new Map(),
    log: new Map(),
  };

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  /** Takes note of a needle, if it is of a copy. */
  saw(
    from: InspectedBlock,
    header: { needle: NeedleId; blob: BlobId; chunk: number; lengthBytes: number },
  ): void {
    const copy = copyOf(header.blob);
    if (copy === undefined) return;
    const { needle, chunk, lengthBytes } = header;
    const known = this.#needles[copy.kind].get(copy.index) ?? [];
    known.push({ from, needle, chunk, lengthBytes });
    this.#needles[copy.kind].set(copy.index, known);
  }

  /** Indexes of snapshots of which there is anything, newest first. */
  get snapshots(): LogIndex[] {
    return [...this.#needles.snapshot.keys()].toSorted((a, b) => b - a);
  }

  /** The newest snapshot that is whole, after all its bytes were read and checked. */
  async newest(onBroken: (text: string) => void): Promise<Snapshot | undefined> {
    for (const index of this.snapshots) {
      const found = await this.#snapshot(index);
      if (typeof found !== "string") return found;
      onBroken(`the snapshot of entry ${index} cannot be used: ${found}`);
    }
    return undefined;
  }

  async #snapshot(index: LogIndex): Promise<Snapshot | string> {
    const needles = this.#needles.snapshot.get(index) ?? [];
    let manifest: Manifest | undefined;
    for (const { from, needle, chunk } of needles.toSorted((a, b) => b.chunk - a.chunk)) {
      const bytes = await readNeedle(this.#disk, from, needle);
      const read = bytes === undefined ? undefined : decodeManifest(bytes);
      if (read?.index === index && read.chunks.length === chunk) manifest = read;
      // The manifest comes last: without it in the last places there is none.
      if (manifest !== undefined || chunk < needles.length - MANIFEST_TRIES) break;
    }
    if (manifest === undefined) return "its manifest is missing or damaged";
    const whole = manifest;
    const hash = createHash("sha256");
    try {
      for await (const piece of this.#pieces(whole, needles)) hash.update(piece);
    } catch (error) {
      if (error instanceof LostChunk) return error.message;
      throw error;
    }
    if (!hash.digest().equals(whole.sha256)) return "its chunks are not those of its manifest";
    return { manifest: whole, pieces: () => this.#pieces(whole, needles) };
  }

  async *#pieces(manifest: Manifest, needles: readonly CopyNeedle[]): AsyncGenerator<Buffer> {
    for (const [number, chunk] of manifest.chunks.entries())
      yield await this.#read(chunk, number, needles);
  }

  /** From any device that has it. */
  async #read(chunk: Chunk, number: number, needles: readonly CopyNeedle[]): Promise<Buffer> {
    for (const { from, needle } of needles) {
      if (needle !== chunk.needle || from.block !== chunk.block) continue;
      const bytes = await readNeedle(this.#disk, from, needle);
      if (bytes !== undefined && crc32c(bytes) === chunk.crc32c) return bytes;
    }
    throw new LostChunk(`chunk ${number} of ${number + 1} or more is missing or damaged`);
  }

  /** Entries behind `index` as far as they go without a gap, run by run. */
  async *entriesAfter(
    index: LogIndex,
    onBroken: (text: string) => void,
  ): AsyncGenerator<readonly Entry[]> {
    let next = index + 1;
    const firsts = [...this.#needles.log.keys()].toSorted((a, b) => a - b);
    for (const first of firsts) {
      const entries = await this.#run(first);
      if (entries === undefined) {
        onBroken(`the entries of the log from ${first} on cannot be read`);
        continue;
      }
      const last = entries.at(-1)?.index ?? 0;
      if (last < next) continue;
      if (first > next) {
        onBroken(
          `entries ${next} to ${first - 1} of the log are missing; what follows is of no use`,
        );
        return;
      }
      yield entries.slice(next - first);
      next = last + 1;
    }
  }

  async #run(first: LogIndex): Promise<Entry[] | undefined> {
    for (const { from, needle } of this.#needles.log.get(first) ?? []) {
      const bytes = await readNeedle(this.#disk, from, needle);
      const entries = bytes === undefined ? undefined : decodeLogRun(bytes);
      if (entries?.[0]?.index === first) return entries;
    }
    return undefined;
  }
}

const MANIFEST_TRIES = 8;

class LostChunk extends Error {}
