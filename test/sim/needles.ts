/**
 * Judges everything that happens to needles, by what the log says of them (names.ts) and by what
 * stands on the platters of all drives (platters.ts), whether anybody can reach them or not.
 */
import { type BlockId, type DeviceId, FREE, type NeedleId } from "../../base/ids.ts";
import { pieceBytesOf } from "../../client/strips.ts";
import type { AnyCommand } from "../../nameserver/command.ts";
import type { BlockRow } from "../../nameserver/rows.ts";
import { filled } from "../../rpc/name-service.ts";
import type { Chunk } from "../../rpc/objects.ts";
import { layoutOf, WHOLE } from "../../rpc/pool.ts";
import type { Drive } from "./drive.ts";
import { IMAGINED, Names, type Reference, referencesOf } from "./names.ts";
import type { Oracle } from "./oracle.ts";
import { type Judge, meantOf, Platters } from "./platters.ts";
import type { Standing, StandingNeedle } from "./standing.ts";
import { Stripes } from "./stripes.ts";

/** What a command is about to refer to, as of the entry before it. */
export interface Before {
  readonly states: readonly (BlockRow["state"] | undefined)[];
  readonly chunks: readonly Chunk[];
  readonly sealedMs: number;
  /** Of the block that it speaks of. */
  readonly row: BlockRow | undefined;
}

/** A bare needle that was acknowledged. */
export interface Kept {
  readonly block: BlockId;
  readonly needle: NeedleId;
  readonly lengthBytes: number;
}

export interface NeedlesOptions {
  readonly oracle: Oracle;
  readonly drives: () => readonly Drive[];
  readonly settleMs: number;
  readonly nowMs: () => number;
}

export class Needles implements Judge {
  readonly names: Names;
  readonly platters: Platters;
  readonly stripes: Stripes;
  /** Bare needles that must be there. */
  readonly kept = new Map<NeedleId, Kept>();
  readonly #oracle: Oracle;
  readonly #options: NeedlesOptions;
  /** What was harmed by design and is not whole again, by device and block; since when. */
  readonly #harms = new Map<string, number>();
  /** Devices that are no more, by design; since when. */
  readonly #gone = new Map<DeviceId, number>();
  #touched = new Set<BlockId>();

  constructor(options: NeedlesOptions) {
    this.#options = options;
    this.#oracle = options.oracle;
    this.names = new Names(options.oracle.store);
    this.platters = new Platters(options.drives);
    this.stripes = new Stripes({
      ...{ platters: this.platters, drives: options.drives },
      isHarmed: (device, block) => this.isHarmed(device, block),
      wrong: (what) => this.#wrong(what),
    });
  }

  /** To be called before the entry of this command is applied. */
  before(command: AnyCommand): Before {
    const chunks = referencesOf(command).filter(({ block }) => !IMAGINED.has(block));
    const states = chunks.map(({ block }) => this.names.row(block)?.state);
    const row = "block" in command ? this.names.row(command.block) : undefined;
    const sealedMs = command.type === "settleBlock" ? (row?.sealedMs ?? Infinity) : 0;
    return { states, chunks, sealedMs, row };
  }

  /** The command took effect. */
  after(command: AnyCommand, { states, chunks, sealedMs, row }: Before, timeMs: number): void {
    this.names.timeMs = timeMs;
    if (states.some((state) => state === undefined || state === "settled"))
      this.#wrong(`INV-4: ${command.type} refers to a settled block`);
    if (command.type === "settleBlock" && sealedMs + this.#options.settleMs > timeMs)
      this.#wrong(`INV-4: block ${command.block} settles ${timeMs - sealedMs} ms after its seal`);
    this.names.follow(command);
    for (const { block } of chunks) this.#touched.add(block);
    if ("block" in command) this.#touched.add(command.block);
    if (command.type === "setGeneration") this.#checkBuilt(command.block, command.to);
    if (command.type === "convertBlock") this.stripes.converted(command, row);
  }

  /** To be called after each event. */
  look(): void {
    for (const block of this.platters.look(this)) this.#touched.add(block);
    if (this.#touched.size === 0) return;
    const touched = this.#touched;
    this.#touched = new Set();
    for (const block of touched) this.checkBlock(block);
  }

  /** A fault did this: what is gone now is gone by design. */
  harmed(device: DeviceId, blocks: Iterable<BlockId>): void {
    for (const block of blocks) this.#harms.set(`${device} ${block}`, this.#options.nowMs());
    this.platters.look(undefined);
  }

  /** All that was on it is gone, by design. */
  lost(device: DeviceId): void {
    this.#gone.set(device, this.#options.nowMs());
    this.platters.look(undefined);
  }

  /** When a device ceased to be. */
  goneSinceMs(device: DeviceId): number | undefined {
    return this.#gone.get(device);
  }

  isHarmed(device: DeviceId, block: BlockId): boolean {
    return this.#gone.has(device) || this.#harms.has(`${device} ${block}`);
  }

  /** Whether something of that key stands in stripes. */
  isStriped(key: string): boolean {
    const blob = this.names.keys.get(key);
    const chunks = blob === undefined ? [] : this.names.chunksOf(blob);
    return chunks.some(({ block }) => this.names.row(block)?.layout === "striped");
  }

  /** How many members of a block are not as they should be. */
  harmsOf(block: BlockId): number {
    const members = filled(this.names.row(block)?.members ?? []);
    return members.filter((device) => this.isHarmed(device, block)).length;
  }

  changed(device: DeviceId, before: Standing | undefined, now: Standing): void {
    const { block, generation } = now;
    if (before === undefined) {
      this.#say(`${device} has block ${block}.${generation}`);
      return;
    }
    if (before.generation !== generation) this.#switched(device, before, now);
    else if (before.piece !== now.piece && now.k > 1) this.#exchanged(device, before, now);
    const isHarmed = this.isHarmed(device, block);
    for (const [id, needle] of before.needles) {
      if (now.needles.has(id) || isHarmed) continue;
      const isRemoved = now.tombstones.has(id);
      // What a harmed member has forgotten of removals it learns again from the others.
      if (isRemoved && this.#isRemovedElsewhere(device, block, id)) continue;
      this.#checkFree(isRemoved ? "removed" : "left out", block, needle);
    }
    for (const id of now.needles.keys())
      if (before.tombstones.has(id))
        this.#wrong(`a removed needle of block ${block} is back on ${device}`);
  }

  /** Also where it stood before: a member that was just moved to hears of removals from there. */
  #isRemovedElsewhere(device: DeviceId, block: BlockId, needle: NeedleId): boolean {
    const others = this.#options.drives().flatMap(({ device: other = device }) => other);
    return others.some(
      (other) =>
        other !== device &&
        this.platters.allOf(other, block).some(({ tombstones }) => tombstones.has(needle)),
    );
  }

  #switched(device: DeviceId, before: Standing, { block, generation }: Standing): void {
    this.#say(`${device} switches block ${block} from ${before.generation} to ${generation}`);
    const wanted = this.names.row(block)?.generation ?? 0;
    if (wanted < generation && this.names.row(block) !== undefined)
      this.#wrong(`INV-7: ${device} switches block ${block} without a command`);
    if (generation < before.generation)
      this.#wrong(`INV-7: ${device} goes back to generation ${generation} of block ${block}`);
  }

  /** One piece gives way to another only where the member of that one has it. */
  #exchanged(device: DeviceId, before: Standing, { block, generation, piece }: Standing): void {
    this.#say(`${device} makes piece ${piece} of block ${block} in place of ${before.piece}`);
    const member = this.names.row(block)?.members[before.piece];
    if (member === undefined) return;
    const isThere =
      member !== null &&
      member !== device &&
      this.platters.standingOf(member, block, { generation })?.piece === before.piece;
    if (!isThere && (member === null || !this.isHarmed(member, block)))
      this.#wrong(`INV-7: ${device} gives up piece ${before.piece} of block ${block}`);
  }

  went(device: DeviceId, before: Standing): void {
    const { block } = before;
    this.#say(`${device} retires block ${block}`);
    const row = this.names.row(block);
    if (row === undefined) {
      for (const needle of before.needles.values()) this.#checkFree("retired", block, needle);
      return;
    }
    if (filled(row.members).includes(device))
      this.#wrong(`INV-7: ${device} retires block ${block}, of which it is a member`);
  }

  /** Every needle that is needed, or was acknowledged bare, is good on every member that was not harmed. */
  checkBlock(block: BlockId): void {
    const row = this.names.row(block);
    const needed = [...this.names.neededIn(block)];
    const kept = [...this.kept.values()].filter((one) => one.block === block);
    if (IMAGINED.has(block)) return;
    if (row === undefined) {
      if (needed.length + kept.length > 0) this.#wrong(`INV-7: block ${block} is gone, and needed`);
      return;
    }
    const scheme = row.scheme ?? WHOLE;
    const standings = row.members.map((device) =>
      device === null ? undefined : this.platters.standingOf(device, block, meantOf(row)),
    );
    if (row.layout === "striped") this.stripes.check(block, standings);
    const isWhole = row.members.map(() => true);
    for (const one of [...needed, ...kept]) {
      const good = standings.map((standing, position) => isGoodAt(standing, one, row, position));
      for (const [position, isGood] of good.entries()) if (!isGood) isWhole[position] = false;
      if (good.filter((isGood) => isGood).length < scheme.k)
        this.#wrong(
          `INV-2: needle ${one.needle} of block ${block} has fewer than ${scheme.k} good pieces`,
        );
    }
    for (const [position, device] of row.members.entries()) {
      if (device === null) continue;
      const isAll = isWhole[position] === true && standings[position] !== undefined;
      const isInPlace = this.platters.isInPlace(device, block, meantOf(row));
      if (isAll && isInPlace && hasAll(standings, position))
        this.#harms.delete(`${device} ${block}`);
      else if (isAll) continue;
      else if (!this.isHarmed(device, block) && (needed.length > 0 || kept.length > 0))
        this.#wrong(`INV-1/2/7: ${device} lacks needles of block ${block}.${row.generation}`);
    }
  }

  checkAll(): void {
    const blocks = [...this.names.keys.values()].flatMap((blob) =>
      this.names.chunksOf(blob).map(({ block }) => block),
    );
    for (const block of new Set(blocks)) this.checkBlock(block);
    for (const { block } of this.kept.values()) this.checkBlock(block);
  }

  #checkBuilt(block: BlockId, to: number): void {
    for (const device of filled(this.names.row(block)?.members ?? []))
      if (
        !this.isHarmed(device, block) &&
        this.platters.standingOf(device, block, { generation: to }) === undefined
      )
        this.#wrong(`INV-7: generation ${to} of block ${block} is not built on ${device}`);
  }

  /** What is taken away is neither needed nor can it still be named. */
  #checkFree(how: string, block: BlockId, needle: StandingNeedle): void {
    const { blob } = needle;
    const what = `needle ${needle.needle} of block ${block} is ${how}`;
    if (this.kept.has(needle.needle)) this.#wrong(`INV-2: ${what}, and nobody asked for it`);
    if (blob === FREE) return;
    const why = this.names.whyNeeded(block, needle);
    if (why !== undefined) this.#wrong(`INV-4: ${what}, but ${why}`);
    // What was acknowledged to nobody a crash may take.
    else if (how !== "left out" && !this.names.isNamed(block, needle)) {
      const state = this.names.row(block)?.state ?? "settled";
      if (state !== "settled") this.#wrong(`INV-4: ${what}, though its block is ${state}`);
    }
  }

  #say(what: string): void {
    this.#oracle.say(what);
  }

  #wrong(what: string): void {
    this.#oracle.violated(what);
  }
}

/** Also what is stored and not named yet, or never will be: a name may come that finds it harmed. */
function hasAll(standings: readonly (Standing | undefined)[], position: number): boolean {
  const own = standings[position];
  return standings.every((other) =>
    [...(other?.needles.keys() ?? [])].every((needle) => own?.needles.get(needle)?.isGood === true),
  );
}

function isGoodAt(
  standing: Standing | undefined,
  { needle, lengthBytes }: Pick<Reference, "needle" | "lengthBytes">,
  { scheme = WHOLE, layout = layoutOf(scheme) }: Pick<BlockRow, "scheme" | "layout">,
  position: number,
): boolean {
  const stored = standing?.needles.get(needle);
  if (standing === undefined || stored?.isGood !== true) return false;
  if (layout === "whole") return stored.lengthBytes === lengthBytes;
  if (layout === "striped")
    return standing.piece === position && stored.lengthBytes === lengthBytes;
  return standing.piece === position && stored.lengthBytes === pieceBytesOf(scheme, lengthBytes);
}
