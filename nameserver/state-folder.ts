/**
 * The state's place: one of several folders, of which the file `current` names the one that counts. A
 * snapshot of another nameserver is written into the next folder and then takes the place of the
 * state, whole. Number 0 is the place itself: there the state stood before it had several folders.
 */
import { type Disk, readWhole, replaceWhole } from "../base/disk.ts";
import { assert, QuarryError } from "../base/errors.ts";
import type { Key } from "./keyspace.ts";
import { setAside } from "./set-aside.ts";
import type { Change, RangeCursor, StateReads, StateStore } from "./state-store.ts";

/** Opens or creates a store in a folder; `mustExist`: it was there before. */
export type OpenStore = (directory: string, mustExist: boolean) => Promise<StateStore>;

export class StateFolder implements StateStore {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #openStore: OpenStore;
  #number: number;
  #current: StateStore;
  /** Replaced, but perhaps still read: until the next snapshot comes. */
  #replaced: { readonly place: string; readonly store: StateStore } | undefined;
  #next: StateStore | undefined;

  private constructor(
    disk: Disk,
    directory: string,
    openStore: OpenStore,
    number: number,
    current: StateStore,
  ) {
    this.#disk = disk;
    this.#directory = directory;
    this.#openStore = openStore;
    this.#number = number;
    this.#current = current;
  }

  /** @throws QuarryError `Damaged`; also when `mustExist` and it does not. */
  static async open(
    disk: Disk,
    directory: string,
    openStore: OpenStore,
    mustExist: boolean,
  ): Promise<StateFolder> {
    await disk.makeDirectory(directory);
    const path = `${directory}/current`;
    const condemned = `${directory}/condemned`;
    if (await disk.exists(condemned))
      throw new QuarryError("Damaged", (await readWhole(disk, condemned)).toString().trim());
    if (isWithoutFolders(await disk.list(directory)))
      await replaceWhole(disk, path, Buffer.from("0\n"));
    if (!(await disk.exists(path))) {
      if (mustExist)
        throw new QuarryError(
          "Damaged",
          `${directory} has lost its files; restore the nameserver's folder from a backup`,
        );
      await removeAll(disk, `${directory}/1`);
      const store = await openStore(`${directory}/1`, false);
      await replaceWhole(disk, path, Buffer.from("1\n"));
      return new StateFolder(disk, directory, openStore, 1, store);
    }
    const text = (await readWhole(disk, path)).toString();
    if (!/^(0|[1-9]\d{0,8})\n$/.test(text))
      throw new QuarryError("Damaged", `${path} does not name a state`);
    const number = Number(text);
    const store = await openStore(placeOf(directory, number), mustExist);
    await removeOthers(disk, directory, number);
    return new StateFolder(disk, directory, openStore, number, store);
  }

  /**
   * Begins with an empty state; the harmed one is set aside. A crash on the way leaves a folder that
   * is still harmed.
   * @returns where the harmed one is now.
   */
  static async renew(
    disk: Disk,
    directory: string,
    openStore: OpenStore,
  ): Promise<{ readonly folder: StateFolder; readonly aside: string }> {
    await StateFolder.#condemn(disk, directory, `${directory} was found harmed`);
    const path = `${directory}/current`;
    const text = (await disk.exists(path)) ? (await readWhole(disk, path)).toString() : "";
    const number = Number(/^\d{1,9}/.exec(text)?.[0] ?? 0);
    const beside = `${directory.slice(0, directory.lastIndexOf("/"))}/damaged-state`;
    const aside = await setAside(disk, placeOf(directory, number), beside, isOfStore);
    await removeAll(disk, `${directory}/${number + 1}`);
    const store = await openStore(`${directory}/${number + 1}`, false);
    await replaceWhole(disk, path, Buffer.from(`${number + 1}\n`));
    await disk.remove(`${directory}/condemned`);
    await disk.syncDirectory(directory);
    return { folder: new StateFolder(disk, directory, openStore, number + 1, store), aside };
  }

  /** The next start finds it harmed, also where only this run could see the harm. */
  async condemn(why: string): Promise<void> {
    await StateFolder.#condemn(this.#disk, this.#directory, why);
  }

  static async #condemn(disk: Disk, directory: string, why: string): Promise<void> {
    await replaceWhole(disk, `${directory}/condemned`, Buffer.from(`${why}\n`));
  }

  /** An empty store that can take the place of the state; what was written beside before is gone. */
  async beside(): Promise<StateStore> {
    await this.discard();
    await this.#forgetReplaced();
    const directory = `${this.#directory}/${this.#number + 1}`;
    await removeAll(this.#disk, directory);
    this.#next = await this.#openStore(directory, false);
    return this.#next;
  }

  async discard(): Promise<void> {
    const next = this.#next;
    this.#next = undefined;
    await next?.[Symbol.asyncDispose]();
  }

  /** Puts what was written beside in the place of the state, durably. */
  async replace(): Promise<void> {
    const next = this.#next;
    assert(next !== undefined, "a state is replaced by one that was written beside");
    await next.checkpoint();
    await replaceWhole(
      this.#disk,
      `${this.#directory}/current`,
      Buffer.from(`${this.#number + 1}\n`),
    );
    assert(this.#replaced === undefined, "of the states that were replaced one is kept");
    this.#replaced = { place: placeOf(this.#directory, this.#number), store: this.#current };
    this.#next = undefined;
    this.#number++;
    this.#current = next;
  }

  async #forgetReplaced(): Promise<void> {
    const replaced = this.#replaced;
    this.#replaced = undefined;
    await replaced?.store[Symbol.asyncDispose]();
    if (replaced !== undefined) await removeAll(this.#disk, replaced.place, isOfStore);
  }

  get(key: Key): Buffer | undefined {
    return this.#current.get(key);
  }

  range(from: Key, to: Key): RangeCursor {
    return this.#current.range(from, to);
  }

  snapshot(): StateReads & AsyncDisposable {
    return this.#current.snapshot();
  }

  write(changes: readonly Change[]): Promise<void> {
    return this.#current.write(changes);
  }

  checkpoint(): Promise<void> {
    return this.#current.checkpoint();
  }

  approximateBytes(from: Key, to: Key): Promise<number> {
    return this.#current.approximateBytes(from, to);
  }

  compact(from: Key, to: Key): Promise<void> {
    return this.#current.compact(from, to);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.discard();
    await this.#replaced?.store[Symbol.asyncDispose]();
    await this.#current[Symbol.asyncDispose]();
  }
}

/** LevelDB's files, and none of the folders that came later. */
function isWithoutFolders(names: readonly string[]): boolean {
  return names.includes("CURRENT") && !names.some((name) => /^(current|\d+)$/.test(name));
}

const placeOf = (directory: string, number: number) =>
  number === 0 ? directory : `${directory}/${number}`;

/** In the place of number 0 there are also other files, and the places of all others. */
const isOfStore = (name: string) => !/^((condemned|current)(\.new)?|\d+)$/.test(name);

/** States that were replaced, and what came of one that was on its way. */
async function removeOthers(disk: Disk, directory: string, current: number): Promise<void> {
  const names = await disk.list(directory);
  for (const name of names)
    if (/^\d+$/.test(name) && Number(name) !== current)
      await removeAll(disk, `${directory}/${name}`);
  if (current !== 0) await removeAll(disk, directory, isOfStore);
}

async function removeAll(
  disk: Disk,
  directory: string,
  isRemoved: (name: string) => boolean = () => true,
): Promise<void> {
  for (const name of (await disk.list(directory)).filter(isRemoved))
    await disk.remove(`${directory}/${name}`);
}
