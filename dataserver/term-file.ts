/**
 * The highest term of a leader that a device has seen, in the file `term`: orders of lower ones are
 * refused (INV-7). It is on the disk before the first order of a term is followed, so a start forgets
 * nothing that counts. Only a full disk keeps it in memory alone: what makes room must go on, and an
 * order that comes too late for a start after that still names its generation.
 *
 *      0  magic          8 B   "QUARRYTM"
 *      8  format         u16   1
 *     10  zero           6 B
 *     16  term           u64
 *     24  CRC32C         u32   of bytes 0 … 23
 */
import { crc32c } from "../base/checksum.ts";
import { type Disk, readWhole, replaceWhole } from "../base/disk.ts";
import { hasCode, QuarryError } from "../base/errors.ts";
import type { Term } from "../base/ids.ts";
import type { Report } from "./report.ts";

const NAME = "term";
const BYTES = 28;
const CRC_AT = 24;
const FORMAT = 1;
const MAGIC = Buffer.from("QUARRYTM");

export class TermFile {
  readonly #disk: Disk;
  readonly #path: string;
  #highest: number;
  #saved: number;
  #saving: Promise<void> = Promise.resolve();

  private constructor(disk: Disk, path: string, saved: number) {
    this.#disk = disk;
    this.#path = path;
    this.#highest = saved;
    this.#saved = saved;
  }

  static async open(disk: Disk, directory: string, report: Report): Promise<TermFile> {
    const path = `${directory}/${NAME}`;
    await disk.remove(`${path}.new`);
    if (!(await disk.exists(path))) return new TermFile(disk, path, 0);
    const term = decode(await readWhole(disk, path), path);
    if (term === undefined) {
      const message = `${path} is damaged; the next order of a leader makes it anew`;
      report({ kind: "damage", path, message });
    }
    return new TermFile(disk, path, term ?? 0);
  }

  /** @throws QuarryError `StaleTerm` when a later leader has spoken. */
  check(term: Term | undefined): void {
    if (term === undefined || term >= this.#highest) return;
    const message = `the leader of term ${term} orders nothing more: term ${this.#highest} has begun`;
    throw new QuarryError("StaleTerm", message);
  }

  /** Resolves when an order of this term may be followed. @throws QuarryError `StaleTerm`. */
  async follow(term: Term | undefined): Promise<void> {
    this.check(term);
    if (term === undefined || term <= this.#saved) return;
    this.#highest = term;
    const saving = this.#saving.then(() => this.#save());
    this.#saving = saving.catch(() => undefined); // told below; the next order tries anew
    await saving;
    this.check(term);
  }

  async #save(): Promise<void> {
    const term = this.#highest;
    if (term <= this.#saved) return;
    try {
      await replaceWhole(this.#disk, this.#path, encode(term));
    } catch (error) {
      if (!hasCode(error, "DiskFull")) throw error;
    }
    this.#saved = term;
  }
}

function encode(term: number): Buffer {
  const bytes = Buffer.alloc(BYTES);
  MAGIC.copy(bytes);
  bytes.writeUInt16LE(FORMAT, 8);
  bytes.writeBigUInt64LE(BigInt(term), 16);
  bytes.writeUInt32LE(crc32c(bytes.subarray(0, CRC_AT)), CRC_AT);
  return bytes;
}

/** The term, or undefined when the file is damaged. Throws `NewerFormat`. */
function decode(bytes: Buffer, path: string): number | undefined {
  if (bytes.length < BYTES || !MAGIC.equals(bytes.subarray(0, 8))) return undefined;
  if (crc32c(bytes.subarray(0, CRC_AT)) !== bytes.readUInt32LE(CRC_AT)) return undefined;
  if (bytes.readUInt16LE(8) > FORMAT)
    throw new QuarryError("NewerFormat", `${path} was written by a newer version; install that`);
  return Number(bytes.readBigUInt64LE(16));
}
