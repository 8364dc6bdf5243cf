/**
 * Where a key may be written below a folder: never outside it, never where another key has its
 * place (`a//b`, `a/../b`), never through a link that leads outside. Keys come from strangers.
 */
import { mkdir, realpath, stat } from "node:fs/promises";
import { dirname, resolve, sep } from "node:path";
import { QuarryError } from "../../base/errors.ts";

const KNOWN_FOLDERS = 10_000;

export class FolderGuard {
  readonly #root: string;
  #realRoot: Promise<string> | undefined;
  readonly #known = new Map<string, Promise<void>>();

  constructor(folder: string) {
    this.#root = resolve(folder);
  }

  /** The path for the name below the folder; undefined when it has no place there. */
  pathOf(below: string): string | undefined {
    const path = resolve(this.#root, below);
    const root = this.#root === sep ? "" : this.#root;
    const isOwn = path === `${root}${sep}${below}` && !below.includes("\0");
    return isOwn ? path : undefined;
  }

  /** Makes the folder of a path from {@link pathOf}. */
  async makeFolderOf(path: string): Promise<void> {
    await this.#make(dirname(path));
  }

  #make(folder: string): Promise<void> {
    let made = this.#known.get(folder);
    if (made === undefined) {
      if (this.#known.size >= KNOWN_FOLDERS) this.#known.clear();
      made = this.#makeNow(folder);
      this.#known.set(folder, made);
      made.catch(() => this.#known.delete(folder));
    }
    return made;
  }

  /** One level at a time: a folder is made only inside one that is known to be inside. */
  async #makeNow(folder: string): Promise<void> {
    if (folder === this.#root) {
      await makeFolder(folder);
      return;
    }
    await this.#make(dirname(folder));
    try {
      await mkdir(folder);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      await this.#assertInside(folder);
    }
  }

  async #assertInside(folder: string): Promise<void> {
    this.#realRoot ??= realpath(this.#root);
    const [root, real] = await Promise.all([this.#realRoot, realpath(folder)]);
    if (real !== root && !real.startsWith(root === sep ? sep : root + sep))
      throw new QuarryError("Forbidden", `${folder} is a link to ${real}, outside ${this.#root}`);
  }
}

/** With all above it. Node's own recursive mkdir never ends where nothing can be made (`/proc/x`). */
export async function makeFolder(folder: string): Promise<void> {
  const found = await stat(folder).catch(() => undefined);
  if (found?.isDirectory() === true) return;
  const above = dirname(folder);
  if (found === undefined && above !== folder) await makeFolder(above);
  await mkdir(folder).catch((error: NodeJS.ErrnoException) => {
    // Another transfer may have made it meanwhile; then the next step tells if it is no folder.
    if (error.code !== "EEXIST" || found !== undefined) throw error;
  });
}
