/**
 * What stands on the drives, read from their platters after every event: whatever comes, changes or goes
 * there is told to who judges it. What a fault does is taken down as it is done, and not judged.
 */
import type { BlockId, DeviceId } from "../../base/ids.ts";
import type { BlockRow } from "../../nameserver/rows.ts";
import type { Drive } from "./drive.ts";
import type { Standing } from "./standing.ts";

export interface Judge {
  /** A block's file was another one, or none. */
  changed(device: DeviceId, before: Standing | undefined, now: Standing): void;
  went(device: DeviceId, before: Standing): void;
}

/** A generation of a block; and which writing of it, where there may be several. */
export interface Meant extends Pick<BlockRow, "generation" | "encoding"> {
  /** Of several that wait. */
  readonly rather?: number;
}

export function meantOf({ generation, encoding, layout }: BlockRow): Meant {
  if (encoding === undefined) return { generation };
  // Whole copies that are made anew are writings of their own.
  return layout === "striped" ? { generation, encoding } : { generation, rather: encoding };
}

const isMeant = (standing: Standing, { generation, encoding }: Meant): boolean =>
  standing.generation === generation && (encoding === undefined || standing.encoding === encoding);

type Files = ReadonlyMap<string, Standing | undefined>;

export class Platters {
  readonly #drives: () => readonly Drive[];
  readonly #files = new Map<
    Drive,
    { readonly device: DeviceId | undefined; readonly now: Files }
  >();

  #staged = new Set<BlockId>();

  constructor(drives: () => readonly Drive[]) {
    this.#drives = drives;
  }

  /** Blocks of which a conversion has finished a file since this was asked. */
  takeStaged(): ReadonlySet<BlockId> {
    const taken = this.#staged;
    if (taken.size > 0) this.#staged = new Set();
    return taken;
  }

  /** Tells of everything that changed since the last look; gives the blocks that did. */
  look(judge: Judge | undefined): Set<BlockId> {
    const touched = new Set<BlockId>();
    for (const drive of this.#drives())
      if (drive.mayHaveChanged) this.#lookAt(drive, judge, touched);
    return touched;
  }

  /** What a device has of a block in this generation, waiting for its switch or in its place. */
  standingOf(device: DeviceId, block: BlockId, meant: Meant): Standing | undefined {
    // A row that names no writing is none of a conversion: what one that was given up has left is not meant.
    const isConverted = meant.encoding !== undefined || meant.rather !== undefined;
    const found = this.#filesOf(device, block).flatMap(([path, standing]) =>
      isMeant(standing, meant) && (isConverted || !path.endsWith(".staged")) ? [standing] : [],
    );
    const isPlaced = found[0] !== undefined && this.isInPlace(device, block, meant);
    // A compaction that was given up may have left its own beside what a conversion wrote.
    const rather = found.find(({ encoding }) => encoding === meant.rather);
    return isPlaced ? found[0] : (rather ?? found[0]);
  }

  /** What is in its place first: a file that was overtaken is there a moment longer. */
  allOf(device: DeviceId, block: BlockId): Standing[] {
    return this.#filesOf(device, block).map(([, standing]) => standing);
  }

  #filesOf(device: DeviceId, block: BlockId): [string, Standing][] {
    const [placed, others]: [[string, Standing][], [string, Standing][]] = [[], []];
    for (const one of this.#files.values()) {
      if (one.device !== device) continue;
      for (const [path, standing] of one.now)
        if (standing?.block === block)
          (path.endsWith(".block") ? placed : others).push([path, standing]);
    }
    return [...placed, ...others];
  }

  /** Whether it stands in its place, and does not only wait for its switch. */
  isInPlace(device: DeviceId, block: BlockId, meant: Meant): boolean {
    for (const one of this.#files.values())
      if (one.device === device)
        for (const [path, standing] of one.now)
          if (path.endsWith(".block") && standing?.block === block) return isMeant(standing, meant);
    return false;
  }

  /** What waits for its switch. */
  *waitingOn(drive: Drive): Generator<Standing> {
    for (const [path, standing] of this.#files.get(drive)?.now ?? [])
      if (standing !== undefined && !path.endsWith(".block")) yield standing;
  }

  /** The blocks in their places. */
  *blocksOf(drive: Drive): Generator<Standing> {
    for (const [path, standing] of this.#files.get(drive)?.now ?? [])
      if (standing !== undefined && path.endsWith(".block")) yield standing;
  }

  #lookAt(drive: Drive, judge: Judge | undefined, touched: Set<BlockId>): void {
    const before = this.#files.get(drive);
    const now = drive.look();
    const { device } = drive;
    this.#files.set(drive, { device, now });
    const was = before?.device === device ? before?.now : undefined;
    for (const standing of before?.now.values() ?? [])
      if (was === undefined && standing !== undefined) touched.add(standing.block);
    for (const [path, standing] of now) {
      const old = was?.get(path);
      if (standing === undefined || old === standing) continue;
      touched.add(standing.block);
      if (path.endsWith(".staged")) this.#staged.add(standing.block);
      if (path.endsWith(".block") && device !== undefined) judge?.changed(device, old, standing);
    }
    for (const [path, old] of was ?? []) {
      if (old === undefined || now.get(path) !== undefined) continue;
      touched.add(old.block);
      if (path.endsWith(".block") && device !== undefined && !now.has(path))
        judge?.went(device, old);
    }
  }
}
