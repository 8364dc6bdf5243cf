/**
 * The files below a folder in the order in which a store lists their keys: bytewise, where a folder
 * `a` stands as `a/`. So both sides can be compared without holding either.
 */
import { statSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { paced } from "./disk-pace.ts";

export interface LocalFile {
  readonly path: string;
  /** Below the folder, with slashes. */
  readonly name: string;
  readonly bytes: number;
  readonly modifiedMs: number;
}

export interface TreeOptions {
  readonly followLinks: boolean;
  /** Told of what is no file and no folder. */
  readonly skipped: (path: string, why: string) => void;
  /** Told of what cannot be read: the tree is not known whole. */
  readonly failed: (path: string, error: unknown) => void;
}

/** Our own unfinished downloads; never part of a tree. */
export function isPartName(name: string): boolean {
  return /^\.quarry-[0-9a-f-]+\.(part|done)$/.test(name);
}

export async function* localTree(
  folder: string,
  options: TreeOptions,
  below = "",
): AsyncGenerator<LocalFile> {
  const entries = await readdir(join(folder, below), { withFileTypes: true }).catch(
    (error: unknown) => {
      if (below === "") throw error;
      options.failed(join(folder, below), error);
      return [];
    },
  );
  const found: { readonly sort: Buffer; readonly name: string; readonly isFolder: boolean }[] = [];
  for (const entry of entries) {
    const path = join(folder, below, entry.name);
    if (isPartName(entry.name)) continue;
    if (entry.name.includes("\ufffd")) {
      options.skipped(path, "its name is not UTF-8, which keys are");
      continue;
    }
    const kind = await kindOf(entry, path, options);
    if (kind === undefined) continue;
    const sort = Buffer.from(kind === "folder" ? `${entry.name}/` : entry.name);
    found.push({ sort, name: entry.name, isFolder: kind === "folder" });
  }
  found.sort((a, b) => Buffer.compare(a.sort, b.sort));
  for (const { name, isFolder } of found) {
    const at = below === "" ? name : `${below}/${name}`;
    if (isFolder) yield* localTree(folder, options, at);
    else {
      const path = join(folder, at);
      try {
        const { size, mtimeMs } = await paced(
          () => statSync(path),
          () => stat(path),
        );
        yield { path, name: at, bytes: size, modifiedMs: mtimeMs };
      } catch (error) {
        options.failed(path, error);
      }
    }
  }
}

async function kindOf(
  entry: { isFile(): boolean; isDirectory(): boolean; isSymbolicLink(): boolean },
  path: string,
  options: TreeOptions,
): Promise<"file" | "folder" | undefined> {
  if (entry.isFile()) return "file";
  if (entry.isDirectory()) return "folder";
  if (entry.isSymbolicLink() && options.followLinks) {
    const target = await stat(path).catch(() => undefined);
    if (target?.isFile()) return "file";
    // A link to a folder may lead in circles; folders behind links are not entered.
    options.skipped(path, target === undefined ? "a link to nothing" : "a link to a folder");
  } else options.skipped(path, entry.isSymbolicLink() ? "a link" : "no file and no folder");
  return undefined;
}
