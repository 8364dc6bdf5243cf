/** Who holds which blobs and contents, counted from those who do. */
import { slicesOfPart } from "../apply/parts.ts";
import { type Key, KeyReader } from "../keyspace.ts";
import type * as rows from "../rows.ts";
import { CountById } from "./count-by-id.ts";

const INDEX_BYTES = 7;

export class ReferenceTally {
  readonly blobs = new CountById();
  readonly contents = new CountById();
  /** Blobs in the collection queue. */
  readonly collected = new Set<number>();
  #trash = 0;
  #due = 0;
  readonly #problem: (text: string) => void;

  constructor(problem: (text: string) => void) {
    this.#problem = problem;
  }

  name(row: rows.NameRow): void {
    this.slices(row.slices ?? []);
    if (row.content !== undefined) this.contents.add(row.content);
    if (row.list !== undefined) this.blobs.add(row.list);
  }

  trash({ row }: rows.TrashRow): void {
    this.#trash++;
    this.name(row);
  }

  part(row: rows.PartRow): void {
    this.slices(slicesOfPart(row));
  }

  slices(slices: readonly rows.SliceTuple[]): void {
    for (const [blob, , length] of slices) if (length > 0) this.blobs.add(blob);
  }

  copy({ blob }: Partial<rows.MetadataCopyRow>): void {
    if (blob !== undefined) this.blobs.add(blob);
  }

  collecting(key: Key): void {
    this.collected.add(new KeyReader(key, 1 + INDEX_BYTES).u56());
  }

  due(): void {
    this.#due++;
  }

  checkQueues(): void {
    if (this.#trash !== this.#due)
      this.#problem(`${this.#trash} deleted names are held, and ${this.#due} wait for their end`);
  }
}
