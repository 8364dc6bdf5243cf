/**
 * A disk with one device on it, through all its lives: it may be in this dataserver or in another,
 * be lost with all it has, or be wiped. What stands on it is read straight from its platter.
 */
import { SimulatedDisk } from "../../base/disk-simulated.ts";
import type { BlockId, DeviceId } from "../../base/ids.ts";
import type { Random } from "../../base/random.ts";
import { storedFile } from "../../dataserver/file-names.ts";
import { type Standing, standingOf } from "./standing.ts";

const KINDS: ReadonlySet<string> = new Set(["block", "built", "staged"]);

interface Looked {
  readonly file: object;
  readonly version: number;
  readonly standing: Standing | undefined;
}

export class Drive {
  readonly number: number;
  /** Unique among all drives, so that it keeps its name wherever it is. */
  readonly directory: string;
  disk: SimulatedDisk = new SimulatedDisk();
  /** It does not come back. */
  isLost = false;
  #looked = new Map<string, Looked>();
  #device: DeviceId | undefined;
  /** Grows with all that may change what would survive a power cut. */
  #events = 0;
  #lookedAt = -1;

  constructor(number: number) {
    this.number = number;
    this.directory = `/drive${number}`;
  }

  /** The device on it now; undefined before its first start. */
  get device(): DeviceId | undefined {
    if (this.#device === undefined) {
      const identity = this.disk.safeFiles.get(`${this.directory}/identity.json`);
      const id = /"id": "([^"]+)"/.exec(identity?.safeContent().toString() ?? "")?.[1];
      this.#device = id as DeviceId | undefined;
    }
    return this.#device;
  }

  /** Everything on it is gone: what is there now is another device. */
  wipe(): void {
    this.disk = new SimulatedDisk();
    this.#looked.clear();
    this.#device = undefined;
    this.#events++;
  }

  crash(kind: "power" | "process", random: Random): void {
    this.#events++;
    this.disk.failSync(undefined);
    if (kind === "power") this.disk.crash(random);
    else this.disk.kill();
  }

  /** Turns bits of one byte of a file. */
  flip(path: string, offset: number, mask: number): void {
    this.#events++;
    this.disk.flip(path, offset, mask);
  }

  /** Cuts a file off behind so many bytes. */
  cut(path: string, lengthBytes: number): void {
    this.#events++;
    this.disk.safeFiles.get(path)?.cut(lengthBytes);
  }

  /** The file is no more, for good. */
  async lose(path: string): Promise<void> {
    await this.disk.remove(path);
    await this.disk.syncDirectory(this.directory);
  }

  /** Whether what would survive a power cut may be other than at the last look. */
  get mayHaveChanged(): boolean {
    return this.#lookedAt !== this.disk.operations + this.#events;
  }

  /** What would survive: a block's file, and next generations that are complete, by path. */
  look(): ReadonlyMap<string, Standing | undefined> {
    this.#lookedAt = this.disk.operations + this.#events;
    const now = new Map<string, Standing | undefined>();
    const looked = new Map<string, Looked>();
    for (const [path, file] of this.disk.safeFiles) {
      const stored = storedFile(path.slice(this.directory.length + 1));
      if (stored === undefined || !KINDS.has(stored.kind)) continue;
      const known = this.#looked.get(path);
      const isKnown = known?.file === file && known.version === file.version;
      const { version } = file;
      const one = isKnown ? known : { file, version, standing: standingOf(file.safeContent()) };
      looked.set(path, one);
      now.set(path, one.standing);
    }
    this.#looked = looked;
    return now;
  }

  pathOf(block: BlockId): string {
    return `${this.directory}/${block.toString(16).padStart(8, "0")}.block`;
  }
}
