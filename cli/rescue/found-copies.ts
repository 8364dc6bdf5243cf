/** Copies of the metadata that blocks still hold: which are whole, and how far they reach. */
import { createHash } from "node:crypto";
import { crc32c } from "../../base/checksum.ts";
import type { BlobId, BlockId, LogIndex, NeedleId } from "../../base/ids.ts";
import type { InspectedNeedles } from "../../dataserver/inspected-needles.ts";
import { unpack } from "../../nameserver/copies/compressed.ts";
import { type CopyKind, copyOf } from "../../nameserver/copies/copy-blobs.ts";
import { decodeLogRun } from "../../nameserver/copies/log-run.ts";
import { decodeManifest, type Manifest, manifestBytes } from "../../nameserver/copies/manifest.ts";
import type { Entry } from "../../raft/entry.ts";
import type { Chunk } from "../../rpc/objects.ts";

interface CopyNeedle {
  readonly block: BlockId;
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
  readonly #inspected: InspectedNeedles;
  readonly #needles: Record<CopyKind, Map<LogIndex, CopyNeedle[]>> = {
    snapshot: new Map(),
    log: new Map(),
  };

  /** `inspected`: where they can be read when all is taken note of. */
  constructor(inspected: InspectedNeedles) {
    this.#inspected = inspected;
  }

  /** Takes note of a needle, if it is of a copy. */
  saw(
    block: BlockId,
    header: { needle: NeedleId; blob: BlobId; chunk: number; lengthBytes: number },
  ): void {
    const copy = copyOf(header.blob);
    if (copy === undefined) return;
    const { needle, chunk, lengthBytes } = header;
    const known = this.#needles[copy.kind].get(copy.index) ?? [];
    // Other members have it, too.
    if (known.some((one) => one.block === block && one.needle === needle)) return;
    known.push({ block, needle, chunk, lengthBytes });
    this.#needles[copy.kind].set(copy.index, known);
  }

  /**
   * The newest snapshot that is whole, after all its bytes were read and checked. A store that was
   * rescued or restored before went on with higher terms: those count more than indexes.
   */
  async newest(onBroken: (text: string) => void): Promise<Snapshot | undefined> {
    const manifests: Manifest[] = [];
    for (const [index, needles] of this.#needles.snapshot) {
      const found = await this.#manifests(index, needles);
      if (found.length === 0)
        onBroken(`the snapshot of entry ${index} cannot be used: no manifest of it is whole`);
      manifests.push(...found);
    }
    for (const manifest of manifests.toSorted((a, b) => b.term - a.term || b.index - a.index)) {
      const found = await this.#snapshot(manifest);
      if (typeof found !== "string") return found;
      onBroken(`the snapshot of entry ${manifest.index} cannot be used: ${found}`);
    }
    return undefined;
  }

  async #manifests(index: LogIndex, needles: readonly CopyNeedle[]): Promise<Manifest[]> {
    const found: Manifest[] = [];
    for (const { block, needle, chunk, lengthBytes } of needles) {
      if (lengthBytes !== manifestBytes(chunk)) continue;
      const bytes = await this.#inspected.read(block, needle);
      const read = bytes === undefined ? undefined : decodeManifest(bytes);
      if (read?.index === index && read.chunks.length === chunk) found.push(read);
    }
    return found;
  }

  async #snapshot(manifest: Manifest): Promise<Snapshot | string> {
    const hash = createHash("sha256");
    try {
      for await (const { stored } of this.#chunks(manifest)) hash.update(stored);
    } catch (error) {
      if (error instanceof LostChunk) return error.message;
      throw error;
    }
    if (!hash.digest().equals(manifest.sha256)) return "its chunks are not those of its manifest";
    return { manifest, pieces: () => this.#pieces(manifest) };
  }

  async *#pieces(manifest: Manifest): AsyncGenerator<Buffer> {
    for await (const { rows } of this.#chunks(manifest)) yield rows;
  }

  async *#chunks({ form, chunks }: Manifest) {
    for (const [number, chunk] of chunks.entries()) {
      const stored = await this.#read(chunk, number);
      const rows = unpack(form, stored);
      if (rows === undefined) throw new LostChunk(`chunk ${number} cannot be unpacked`);
      yield { stored, rows };
    }
  }

  async #read(chunk: Chunk, number: number): Promise<Buffer> {
    const bytes = await this.#inspected.read(chunk.block, chunk.needle);
    if (bytes !== undefined && crc32c(bytes) === chunk.crc32c) return bytes;
    throw new LostChunk(`chunk ${number} of ${number + 1} or more is missing or damaged`);
  }

  /** Entries behind a snapshot as far as they go without a gap, run by run. */
  async *entriesAfter(
    { index, term: snapshotTerm }: Pick<Manifest, "index" | "term">,
    onBroken: (text: string) => void,
  ): AsyncGenerator<readonly Entry[]> {
    let [next, term] = [index + 1, snapshotTerm as number];
    const runs = await this.#runs(onBroken);
    for (;;) {
      // Of two that differ the one with the higher term is what was decided; terms never fall.
      let best: readonly Entry[] = [];
      for (const { first, last, needle } of runs) {
        if (first > next || last < next) continue;
        const entries = (await this.#run(needle))?.slice(next - first) ?? [];
        const reached = entries[0]?.term ?? 0;
        if (reached >= term && reached > (best[0]?.term ?? 0)) best = entries;
      }
      const last = best.at(-1);
      if (last === undefined) break;
      yield best;
      [next, term] = [last.index + 1, last.term];
    }
    const beyond = runs.filter(({ first, lastTerm }) => first > next && lastTerm >= term);
    if (beyond.length > 0)
      onBroken(`entry ${next} of the log is missing; what follows it is of no use`);
  }

  async #runs(onBroken: (text: string) => void) {
    const runs: { first: number; last: number; lastTerm: number; needle: CopyNeedle }[] = [];
    for (const [first, needles] of this.#needles.log)
      for (const needle of needles) {
        const last = (await this.#run(needle))?.at(-1);
        if (last === undefined) onBroken(`the entries of the log from ${first} on cannot be read`);
        else runs.push({ first, last: last.index, lastTerm: last.term, needle });
      }
    return runs;
  }

  async #run({ block, needle }: CopyNeedle): Promise<Entry[] | undefined> {
    const bytes = await this.#inspected.read(block, needle);
    return bytes === undefined ? undefined : decodeLogRun(bytes);
  }
}

class LostChunk extends Error {}
