/**
 * What must be said of needles, from the log alone: which blob each key of the clients has, until
 * when a blob without a key is held, which chunks a blob has. Every needle that a device takes away,
 * and every reference that the log makes, is judged by that; nothing of this asks reference counts.
 */
import { type BlobId, type BlockId, type DeviceId, FREE, type NeedleId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import { defaultSettings } from "../../nameserver/apply/context.ts";
import { unpackChunks } from "../../nameserver/chunk-codec.ts";
import type { AnyCommand } from "../../nameserver/command.ts";
import { keys, prefixEnd, prefixOf } from "../../nameserver/keyspace.ts";
import { read } from "../../nameserver/queries/read.ts";
import type { BlockRow } from "../../nameserver/rows.ts";
import type { Chunk } from "../../rpc/objects.ts";
import { WATCHED } from "./cuts.ts";
import type { Oracle } from "./oracle.ts";
import type { SimBlock, SimNeedle, Witness } from "./sim-blocks.ts";
import type { SimDataserver } from "./sim-dataserver.ts";

/** Blocks that random commands speak of; no needle stands in them. */
export const IMAGINED: ReadonlySet<BlockId> = new Set([1, 2] as BlockId[]);

/** What a command is about to refer to, as of the entry before it. */
export interface Before {
  readonly states: readonly (BlockRow["state"] | undefined)[];
  readonly chunks: readonly Chunk[];
  readonly sealedMs: number;
}

export class Needles implements Witness {
  readonly #oracle: Oracle;
  readonly #dataservers: readonly SimDataserver[];
  readonly #settleMs: number;
  readonly #blobs = new Map<string, BlobId>();
  readonly #names = new Map<BlobId, number>();
  readonly #heldUntilMs = new Map<BlobId, number>();
  #timeMs = 0;

  constructor(oracle: Oracle, dataservers: readonly SimDataserver[], settleMs: number) {
    this.#oracle = oracle;
    this.#dataservers = dataservers;
    this.#settleMs = settleMs;
  }

  /** To be called before the entry of this command is applied. */
  before(command: AnyCommand): Before {
    const chunks = referencesOf(command).filter(({ block }) => !IMAGINED.has(block));
    const states = chunks.map(({ block }) => this.#row(block)?.state);
    const sealedMs =
      command.type === "settleBlock" ? (this.#row(command.block)?.sealedMs ?? Infinity) : 0;
    return { states, chunks, sealedMs };
  }

  /** The command took effect. */
  after(command: AnyCommand, { states, chunks, sealedMs }: Before, timeMs: number): void {
    this.#timeMs = timeMs;
    if (states.some((state) => state === undefined || state === "settled"))
      this.#wrong(`INV-4: ${command.type} refers to a settled block`);
    for (const chunk of chunks) this.#checkDurable(command.type, chunk);
    if (command.type === "settleBlock" && sealedMs + this.#settleMs > timeMs)
      this.#wrong(`INV-4: block ${command.block} settles ${timeMs - sealedMs} ms after its seal`);
    if (command.type === "setGeneration") this.#checkBuilt(command.block, command.to);
    this.#follow(command);
  }

  removed(device: DeviceId, at: SimBlock, needle: SimNeedle): void {
    this.#oracle.say(`${device} removes needle ${needle.needle} of block ${at.block}`);
    this.#checkFree("removed", at.block, needle);
  }

  switched(device: DeviceId, from: SimBlock, to: SimBlock): void {
    this.#oracle.say(`${device} switches block ${from.block} to ${to.generation}`);
    const generation = this.#row(from.block)?.generation ?? 0;
    if (generation < to.generation)
      this.#wrong(`INV-7: ${device} switches block ${from.block} without a command`);
    for (const [id, needle] of from.needles)
      if (!to.needles.has(id)) this.#checkFree("left out", from.block, needle);
    for (const id of to.needles.keys())
      if (!from.needles.has(id))
        this.#wrong(`a removed needle of block ${from.block} is back on ${device}`);
  }

  retired(device: DeviceId, at: SimBlock): void {
    this.#oracle.say(`${device} retires block ${at.block}`);
    if (this.#row(at.block) !== undefined)
      this.#wrong(`INV-7: ${device} retires block ${at.block}, which was not removed by a command`);
    for (const needle of at.needles.values()) this.#checkFree("retired", at.block, needle);
  }

  /** Every name that clients gave has its bytes on every member. */
  checkAll(): void {
    for (const [key, blob] of this.#blobs)
      for (const chunk of this.chunksOf(blob)) this.#checkDurable(key, chunk);
  }

  /** What the workers of a leader have still to do. */
  leftToDo(): string | undefined {
    const { store } = this.#oracle;
    for (const tag of ["collectQueue", "dropQueue", "pendingQueue", "dueQueue"] as const)
      if (store.count(prefixOf(tag), prefixEnd(prefixOf(tag))) > 0) return tag;
    for (const { device, held } of this.#dataservers)
      for (const { block, generation } of held.values()) {
        const row = this.#row(block);
        if (row?.members.includes(device) !== true || row.state === "open") continue;
        if (row.swept !== true || row.generation !== generation)
          return `block ${block} of ${device}: ${JSON.stringify({ ...row, generation })}`;
      }
    return undefined;
  }

  /** In calm times, when all work is done: what nobody needs is gone from settled blocks. */
  checkSwept(): void {
    for (const { device, held } of this.#dataservers)
      for (const { block, generation, needles, sealed } of held.values()) {
        const row = this.#row(block);
        if (row === undefined || !row.members.includes(device)) {
          // Made by a leader that died: the next one takes it away when it takes stock.
          if (needles.size > 0) this.#wrong(`${device} holds block ${block}, which is not there`);
          continue;
        }
        if (row.generation !== generation)
          this.#wrong(`block ${block} of ${device} stays at generation ${generation}`);
        if (row.swept !== true) continue;
        if (!sealed) this.#wrong(`block ${block} of ${device} takes appends, though it is swept`);
        for (const needle of needles.values())
          if (needle.blob !== FREE && !this.#isNamed(block, needle))
            this.#wrong(`needle ${needle.needle} of block ${block} stays on ${device}`);
      }
  }

  /** A needle that was acknowledged, and that nobody asked to remove, is on every member. */
  checkFid({ block, needle }: { readonly block: BlockId; readonly needle: NeedleId }): void {
    const members = this.#row(block)?.members ?? [];
    for (const { device, held } of this.#dataservers)
      if (members.includes(device) && held.get(block)?.needles.has(needle) !== true)
        this.#wrong(`INV-2: ${device} lost needle ${needle} of block ${block}`);
    if (members.length === 0) this.#wrong(`block ${block} is gone with needle ${needle}`);
  }

  chunksOf(blob: BlobId): Chunk[] {
    const { store } = this.#oracle;
    const head = read(store, keys.blob(blob));
    if (head === undefined) return [];
    if (head.inline !== undefined) return unpackChunks(head.inline);
    const pages = Math.ceil(head.chunks / limits.chunksPerPage);
    return Array.from({ length: pages }, (_, page) => read(store, keys.page(blob, page))).flatMap(
      (page) => unpackChunks(page?.chunks ?? new Uint8Array()),
    );
  }

  #checkDurable(what: string, { block, needle, lengthBytes }: Chunk): void {
    const members = this.#row(block)?.members ?? [];
    for (const { device, held } of this.#dataservers) {
      if (!members.includes(device)) continue;
      const stored = held.get(block)?.needles.get(needle);
      if (stored?.lengthBytes !== lengthBytes)
        this.#wrong(`INV-1/2: ${what} names needle ${needle} of block ${block}, not on ${device}`);
    }
  }

  #checkBuilt(block: BlockId, to: number): void {
    const members = this.#row(block)?.members ?? [];
    for (const { device, held } of this.#dataservers) {
      const there = held.get(block);
      const isProved = there?.generation === to || there?.built?.generation === to;
      if (members.includes(device) && !isProved)
        this.#wrong(`INV-7: generation ${to} of block ${block} is not built on ${device}`);
    }
  }

  /** What is taken away is neither needed nor can it still be named. */
  #checkFree(how: string, block: BlockId, needle: SimNeedle): void {
    const { blob } = needle;
    if (blob === FREE && how === "removed") return;
    const head = read(this.#oracle.store, keys.blob(blob));
    const isNamed = head !== undefined && this.#isNamed(block, needle);
    const isHeld = (this.#heldUntilMs.get(blob) ?? 0) > this.#timeMs;
    const what = `needle ${needle.needle} of block ${block} is ${how}`;
    if (isNamed && (this.#names.get(blob) ?? 0) > 0) this.#wrong(`INV-4: ${what}, but named`);
    else if (isNamed && isHeld) this.#wrong(`INV-4: ${what}, but held`);
    else if (isNamed && (head.refs > 0 || head.pendingUntilMs !== undefined))
      this.#wrong(`INV-4: ${what}, but its blob is in use`);
    else if (head === undefined || !isNamed) {
      const state = this.#row(block)?.state ?? "settled";
      if (state !== "settled") this.#wrong(`INV-4: ${what}, though its block is ${state}`);
    }
  }

  #isNamed(block: BlockId, { blob, chunk, needle }: SimNeedle): boolean {
    const named = this.chunksOf(blob)[chunk];
    return named?.block === block && named.needle === needle;
  }

  #follow(command: AnyCommand): void {
    if (!("bucket" in command) || command.bucket !== WATCHED || !("key" in command)) return;
    const { type, key } = command;
    if (type === "putObject") this.#name(key, command.content.blob);
    else if (type === "copyObject") this.#name(key, this.#blobs.get(command.source.key));
    else if (type === "deleteObject") this.#name(key, undefined);
  }

  #name(key: string, blob: BlobId | undefined): void {
    const before = this.#blobs.get(key);
    if (blob === undefined) this.#blobs.delete(key);
    else {
      this.#blobs.set(key, blob);
      this.#names.set(blob, (this.#names.get(blob) ?? 0) + 1);
    }
    if (before === undefined) return;
    this.#names.set(before, (this.#names.get(before) ?? 0) - 1);
    const { holdMs } = read(this.#oracle.store, keys.settings()) ?? defaultSettings;
    this.#heldUntilMs.set(before, this.#timeMs + holdMs);
  }

  #row(block: BlockId): BlockRow | undefined {
    return read(this.#oracle.store, keys.block(block));
  }

  #wrong(what: string): void {
    this.#oracle.violated(what);
  }
}

/** Chunks that a command names for the first time. */
function referencesOf(command: AnyCommand): readonly Chunk[] {
  switch (command.type) {
    case "addChunks":
      return command.chunks;
    case "putObject":
    case "putPart":
      return command.content.chunks;
    default:
      return [];
  }
}
