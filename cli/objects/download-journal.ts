/**
 * Which ranges of an unfinished download are on the disk. Two files stand beside the target:
 * `.quarry-ID.part` with the bytes, and `.quarry-ID.done`, which says in its first line of which
 * object they are (JSON), then one line for each range: its number and its CRC32C in hexadecimal. A
 * range counts only if the bytes still have that sum, so neither file needs to be synced.
 */
import { type FileHandle, open, readFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";

export interface JournalHead {
  readonly etag: string;
  readonly bytes: number;
  readonly rangeBytes: number;
}

export interface PartFiles {
  readonly part: string;
  readonly journal: string;
}

export function partFiles(path: string, id: string): PartFiles {
  const stem = join(dirname(path), `.quarry-${id}`);
  return { part: `${stem}.part`, journal: `${stem}.done` };
}

/** The ranges that an earlier run of the same object ended, by number; undefined if there was none. */
export async function readJournal(
  path: string,
  head: JournalHead,
): Promise<Map<number, string> | undefined> {
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  });
  const [first, ...lines] = text.split("\n");
  if (first !== JSON.stringify(head)) return undefined;
  const done = new Map<number, string>();
  for (const line of lines) {
    // The last line may be torn: it is no whole one then.
    const match = /^(\d+) ([0-9a-f]{8});$/.exec(line);
    if (match !== null) done.set(Number(match[1]), match[2] ?? "");
  }
  return done;
}

export class DownloadJournal implements AsyncDisposable {
  readonly #file: FileHandle;
  private constructor(file: FileHandle) {
    this.#file = file;
  }

  static async open(path: string, head: JournalHead, isNew: boolean): Promise<DownloadJournal> {
    const file = await open(path, isNew ? "w" : "a", 0o600);
    // After a torn line the next begins on its own.
    await file.appendFile(isNew ? `${JSON.stringify(head)}\n` : "\n");
    return new DownloadJournal(file);
  }

  async done(range: number, crcHex: string): Promise<void> {
    await this.#file.appendFile(`${range} ${crcHex};\n`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }
}

export async function forgetPart({ part, journal }: PartFiles): Promise<void> {
  await rm(journal, { force: true });
  await rm(part, { force: true });
}
