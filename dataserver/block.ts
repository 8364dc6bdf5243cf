/**
 * One generation of one block on one device: appends, tombstones, the seal, reads.
 *
 * A needle enters the index when its record is as durable as the mode promises, so nothing
 * half-written can be read. A block with damage takes no more appends.
 */
import type { Durability } from "../base/append-file.ts";
import type { Clock } from "../base/clock.ts";
import type { Disk } from "../base/disk.ts";
import { assert, hasCode, type QuarryError } from "../base/errors.ts";
import { type BlockId, FREE, type NeedleId } from "../base/ids.ts";
import type { AppendReply, AppendRequest, BlockStatus } from "../rpc/block-service.ts";
import { BlockWriter } from "./block-writer.ts";
import { Checkpoints } from "./checkpoints.ts";
import type { Checks } from "./checks.ts";
import type { FileCache } from "./file-cache.ts";
import { writeCheckpoint } from "./index-file.ts";
import { emptyRows, type NeedleIndex, type Place } from "./needle-index.ts";
import {
  BARE_RECORD_BYTES,
  encodeRecord,
  type RecordKind,
  recordBytes,
  seedOfBlock,
} from "./record.ts";
import type { RecoveredBlock } from "./recover.ts";
import { type Damage, isTouched, type Report } from "./report.ts";
import type { Stripe } from "./striped/stripe.ts";
import type { Superblock } from "./superblock.ts";

/** What a block needs of its device. */
export interface BlockHome {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly files: FileCache;
  readonly durability: Durability;
  /** A block takes no record that would end behind this. */
  readonly blockBytes: number;
  /** Zeros written ahead of the tail of an open block. */
  readonly extendBytes: number;
  readonly report: Report;
  readonly checks: Checks;
  /** Whether its file still is this block's: another generation may stand in its place, or none. */
  readonly isCurrent: (block: Block) => boolean;
  /** Something that a nameserver asks for: the seal, removals, damage. */
  readonly onChange: (block: BlockId) => void;
  /** The device cannot be trusted with appends any more. */
  readonly onFailure: (failure: QuarryError) => void;
}

export class Block implements AsyncDisposable {
  readonly home: BlockHome;
  readonly path: string;
  readonly indexPath: string;
  readonly superblock: Superblock;
  readonly index: NeedleIndex;
  /** Of a striped block: the index tells of all ranges, the file has one. */
  readonly stripe: Stripe | undefined;
  /** `seedOfBlock` of the superblock. */
  readonly seed: number;
  readonly #damage: Damage[];
  #phase: "open" | "sealing" | "sealed";
  /** Appends that are under way: their ids are taken. */
  readonly #pending = new Set<NeedleId>();
  readonly #writer: BlockWriter;
  readonly #checkpoints = new Checkpoints(() => this.#writeCheckpoint());

  constructor(home: BlockHome, path: string, indexPath: string, from: RecoveredBlock) {
    this.home = home;
    this.path = path;
    this.indexPath = indexPath;
    this.superblock = from.superblock;
    this.seed = seedOfBlock(from.superblock);
    this.index = from.index;
    this.stripe = from.stripe;
    this.#damage = [...from.damage];
    this.#phase = from.sealed ? "sealed" : "open";
    const { durability = home.durability } = from.superblock;
    this.#writer = new BlockWriter(
      { ...home, durability },
      path,
      from.tailBytes,
      (at, syncedBytes) => this.#bare("mark", at, syncedBytes),
    );
  }

  get generation(): number {
    return this.superblock.generation;
  }

  get sealed(): boolean {
    return this.#phase === "sealed";
  }

  get tailBytes(): number {
    return this.#writer.tailBytes;
  }

  /** Up to where the file holds whole records that nobody is writing. */
  get settledBytes(): number {
    return this.#writer.settledBytes;
  }

  get damage(): readonly Damage[] {
    return this.#damage;
  }

  /** True while an append is under way. */
  get busy(): boolean {
    return this.#pending.size > 0;
  }

  status(): BlockStatus {
    const { block, piece, k, m, salt } = this.superblock;
    const checkedMs = this.home.checks.of(block, this.generation)?.goodMs;
    return {
      block,
      generation: this.generation,
      sealed: this.sealed,
      needles: this.index.live,
      liveBytes: this.index.liveBytes,
      fileBytes: this.tailBytes,
      digest: this.index.digest,
      piece: { piece, scheme: { k, m } },
      salt,
      ...(this.stripe !== undefined && { layout: "striped" as const }),
      ...(checkedMs !== undefined && { checkedMs }),
      damage: [...this.#damage],
    };
  }

  /** Where in this file a live needle is. */
  here(needle: NeedleId): Place | undefined {
    const place = this.index.find(needle);
    if (place === undefined || this.stripe === undefined) return place;
    const { range, ...inRange } = this.stripe.placeOf(place);
    return range === this.superblock.piece ? inRange : undefined;
  }

  /** Stores a needle whose checksums were verified. */
  async append(request: AppendRequest, data: Uint8Array): Promise<AppendReply> {
    const { needle } = request;
    if (this.#phase !== "open") return { kind: "sealed" };
    const writer = this.#writer.opened ?? (await this.#writer.open());
    // From here to the append in one step: nobody else takes the id or the room.
    if (this.#phase !== "open") return { kind: "sealed" };
    if (this.index.knows(needle) || this.#pending.has(needle)) return { kind: "duplicate" };
    const lengthBytes = recordBytes(data.length);
    const { blockBytes = this.home.blockBytes } = this.superblock;
    if (this.#damage.length > 0 || writer.tailBytes + lengthBytes > blockBytes)
      return { kind: "full" };
    this.#pending.add(needle);
    this.#checkpoints.changed();
    try {
      const offset = await writer.append(lengthBytes, (at, syncedBytes) => {
        const header = {
          kind: "needle",
          lengthBytes: data.length,
          needle,
          ...request.owner,
        } as const;
        const footer = { checksums: request.checksums, syncedBytes };
        const { head, foot } = encodeRecord(this.seed, at, header, footer);
        return [head, data, foot];
      });
      this.index.add(needle, offset, data.length);
      return { kind: "stored" };
    } catch (error) {
      if (hasCode(error, "DiskFull")) return { kind: "full" };
      throw error;
    } finally {
      this.#pending.delete(needle);
    }
  }

  /** Writes tombstones for those of the ids that are there. */
  async remove(needles: readonly NeedleId[]): Promise<void> {
    const there = [...new Set(needles)].filter((needle) => this.index.find(needle) !== undefined);
    if (there.length === 0) return;
    await this.#writer.use(this.sealed, async (writer) => {
      await writer.append(there.length * BARE_RECORD_BYTES, (at, syncedBytes) =>
        there.flatMap((needle, i) =>
          this.#bare("tombstone", at + i * BARE_RECORD_BYTES, syncedBytes, needle),
        ),
      );
      for (const needle of there) this.index.remove(needle);
      this.#checkpoints.changed();
      this.home.onChange(this.superblock.block);
    });
  }

  /** From its end on the block durably refuses appends. */
  async seal(): Promise<void> {
    if (this.#phase === "sealed") return;
    assert(this.#phase === "open", "one seal at a time");
    this.#phase = "sealing";
    try {
      const writer = await this.#writer.open();
      await writer.append(BARE_RECORD_BYTES, (at, synced) => this.#bare("seal", at, synced));
      await writer.flush();
      assert(this.#pending.size === 0, "appends before the seal have ended");
    } catch (error) {
      this.#phase = "open";
      throw error;
    }
    this.#phase = "sealed";
    // What was written has not been read yet.
    if (this.index.live > 0) this.home.checks.doubt(this.superblock.block, this.generation);
    this.home.onChange(this.superblock.block);
    this.index.sort();
    await this.#writer.close(false);
    await this.#writer.cutAhead();
    this.#checkpoints.changed();
    await this.checkpoint();
  }

  /** True when reading these bytes would touch known damage. */
  isDamaged(offset: number, lengthBytes: number): boolean {
    return this.#damage.length > 0 && isTouched(this.#damage, offset, lengthBytes);
  }

  /**
   * Takes down damage that was found while reading. True when it was not known yet. What is read of a file
   * that took the place of this one says nothing.
   */
  async noteDamage(damage: Damage, what: string, needle?: NeedleId): Promise<boolean> {
    const { offset, lengthBytes } = damage;
    if (!this.home.isCurrent(this)) return false;
    if (this.#damage.some((one) => one.offset === offset && one.lengthBytes === lengthBytes))
      return false;
    this.#damage.push({ offset, lengthBytes });
    this.#checkpoints.changed();
    this.home.checks.doubt(this.superblock.block, this.generation);
    this.home.onChange(this.superblock.block);
    const whose = needle === undefined ? "" : ` (needle ${needle.toString(16).padStart(16, "0")})`;
    this.home.report({
      kind: "damage",
      path: this.path,
      offset,
      lengthBytes,
      ...(needle !== undefined && { needle }),
      message: `${what} of ${this.path} is damaged: ${lengthBytes} bytes at ${offset}${whose}`,
    });
    // The damage is told; a checkpoint that fails now is written at the next chance.
    if (this.sealed) await this.checkpoint().catch(() => undefined);
    return true;
  }

  /** Writes the index file, if it lacks anything. For a sealed block, or one that is closing. */
  async checkpoint(): Promise<void> {
    await this.#checkpoints.save();
  }

  /** `replace` puts another block, or none, in the place of this one: see {@link Checkpoints}. */
  async giveWay(replace: () => Promise<void>): Promise<void> {
    await this.#checkpoints.giveWay(replace);
  }

  async #writeCheckpoint(): Promise<void> {
    await writeCheckpoint(this.home.disk, this.indexPath, {
      superblock: this.superblock,
      sealed: this.sealed,
      // While a writer is open: what was synced before it. So no tombstone is passed over.
      coversBytes: this.#writer.closedBytes,
      damage: this.#damage,
      // A striped block tells of its needles itself.
      rows: this.stripe === undefined ? this.index.sortedRows() : emptyRows(0),
    });
  }

  /** The index file was found damaged: writes it anew, or leaves that to the next start. */
  async remakeCheckpoint(): Promise<void> {
    this.#checkpoints.changed();
    if (this.sealed) await this.checkpoint();
    else await this.home.disk.remove(this.indexPath);
  }

  /** Makes everything durable and leaves a checkpoint, so that the next start reads nothing else. */
  async close(): Promise<void> {
    const failed = this.#writer.opened?.failure !== undefined;
    await this.#writer.close(false);
    await this.home.files.forget(this.path);
    if (!failed) await this.checkpoint();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #bare(kind: RecordKind, offset: number, syncedBytes: number, needle = 0n as NeedleId) {
    const header = { kind, lengthBytes: 0, needle, blob: FREE, chunk: 0 };
    const footer = { checksums: new Uint32Array(0), syncedBytes };
    const { head, foot } = encodeRecord(this.seed, offset, header, footer);
    return [head, foot];
  }
}
