/**
 * The bytes of one simulated file, twice: as programs see them and as the platter has them, with
 * the changes in between in order.
 */
import type { Random } from "./random.ts";

const SECTOR = 512;

/** No sync saves it any more; or it is on the platter already, whatever becomes of those before it. */
type Fate = "lost" | "safe";
type Change =
  | { readonly kind: "write"; readonly offset: number; readonly bytes: Buffer; fate?: Fate }
  | { readonly kind: "truncate"; readonly lengthBytes: number; fate?: Fate };

/** A run of bytes that grows as it is written; what was never written reads as zero. */
class Bytes {
  #room = Buffer.alloc(0);
  length = 0;

  view(): Buffer {
    return this.#room.subarray(0, this.length);
  }

  write(bytes: Uint8Array, offset: number): void {
    if (bytes.length === 0) return;
    this.resize(Math.max(this.length, offset + bytes.length));
    this.#room.set(bytes, offset);
  }

  resize(length: number): void {
    if (length < this.length) this.#room.fill(0, length, this.length);
    if (length > this.#room.length) {
      const room = Buffer.alloc(Math.max(length, this.#room.length * 2));
      room.set(this.#room);
      this.#room = room;
    }
    this.length = length;
  }
}

export class Inode {
  readonly #seen = new Bytes();
  readonly #safe = new Bytes();
  #changes: Change[] = [];
  /** Raised whenever what is on the platter may have changed. */
  version = 0;

  get lengthBytes(): number {
    return this.#seen.length;
  }

  content(): Buffer {
    return this.#seen.view();
  }

  /** As the platter has it. */
  safeContent(): Buffer {
    return this.#safe.view();
  }

  read(target: Uint8Array, offset: number): number {
    const part = this.#seen.view().subarray(offset, offset + target.length);
    target.set(part);
    return part.length;
  }

  write(bytes: Uint8Array, offset: number): void {
    this.#seen.write(bytes, offset);
    this.#changes.push({ kind: "write", offset, bytes: Buffer.from(bytes) });
  }

  truncate(lengthBytes: number): void {
    this.#seen.resize(lengthBytes);
    this.#changes.push({ kind: "truncate", lengthBytes });
  }

  sync(): void {
    this.version++;
    let left: Change[] = [];
    for (const change of this.#changes)
      if (change.fate === "lost") left.push(change);
      else {
        this.#apply(change);
        left = left.flatMap((one) => outlived(one, change));
      }
    this.#changes = left;
  }

  /** The last write alone is on the platter. */
  syncLast(): void {
    const last = this.#changes.at(-1);
    if (last === undefined) return;
    this.version++;
    this.#apply(last);
    const before = this.#changes.slice(0, -1);
    const left = before.flatMap((one) => (one.fate === "lost" ? outlived(one, last) : [one]));
    last.fate = "safe";
    this.#changes = left.length === 0 ? [] : [...left, last];
  }

  /** A sync failed: as on Linux, later syncs do not save these changes any more. */
  loseUnsynced(): void {
    for (const change of this.#changes) if (change.fate !== "safe") change.fate = "lost";
  }

  /** Cuts it off behind so many bytes, on the platter too. */
  cut(lengthBytes: number): void {
    this.version++;
    for (const bytes of [this.#seen, this.#safe]) bytes.resize(Math.min(bytes.length, lengthBytes));
  }

  flip(offset: number, mask: number): void {
    this.version++;
    for (const bytes of [this.#seen.view(), this.#safe.view()])
      if (offset < bytes.length) bytes[offset] = (bytes[offset] ?? 0) ^ mask;
  }

  /** Each sector of each change is dropped, kept, or kept up to somewhere in its middle. */
  crash(random: Random): void {
    this.version++;
    for (const change of this.#changes) {
      // Whole outcomes are likely in life and rare by sector-wise chance: try them often.
      const mood = random.u32() % 4;
      if (mood === 0 && change.fate !== "safe") continue;
      if (mood === 1 || change.fate === "safe" || change.kind === "truncate") this.#apply(change);
      else this.#applyPart(change.bytes, change.offset, random);
    }
    this.#changes = [];
    this.#seen.resize(0);
    this.#seen.write(this.#safe.view(), 0);
    this.#seen.resize(this.#safe.length);
  }

  #apply(change: Change): void {
    if (change.kind === "write") this.#safe.write(change.bytes, change.offset);
    else this.#safe.resize(change.lengthBytes);
  }

  #applyPart(bytes: Buffer, offset: number, random: Random): void {
    let at = 0;
    while (at < bytes.length) {
      const end = Math.min(bytes.length, at + SECTOR - ((offset + at) % SECTOR));
      const fate = random.u32() % 3;
      if (fate === 1) this.#safe.write(bytes.subarray(at, end), offset + at);
      else if (fate === 2)
        this.#safe.write(bytes.subarray(at, at + (random.u32() % (end - at))), offset + at);
      at = end;
    }
  }
}

/** What of a change that was lost may still come to the platter when a later one is there. */
function outlived(lost: Change, later: Change): Change[] {
  if (lost.kind === "truncate") return [];
  const { offset, bytes } = lost;
  const end = offset + bytes.length;
  const from = later.kind === "write" ? later.offset : later.lengthBytes;
  const to = later.kind === "write" ? later.offset + later.bytes.length : Number.POSITIVE_INFINITY;
  if (to <= offset || from >= end) return [lost];
  const rest: Change[] = [];
  if (from > offset) rest.push({ ...lost, bytes: bytes.subarray(0, from - offset) });
  if (to < end) rest.push({ ...lost, offset: to, bytes: bytes.subarray(to - offset) });
  return rest;
}
