/** What buckets and their owners hold, counted from the names; and the order of versions. */
import { type Key, KeyReader, type RowKey, tags } from "../keyspace.ts";
import { decodeRow } from "../row-codec.ts";
import type * as rows from "../rows.ts";
import type { StateReads } from "../state-store.ts";

interface Tally {
  objects: number;
  versions: number;
  bytes: number;
  uploads: number;
  pendingBytes: number;
  nullVersions: number;
  nullRows: number;
}

const SEQUENCE_BYTES = 7;
const noBuckets = { buckets: 0, objects: 0, bytes: 0, pendingBytes: 0 };

export class BucketTally {
  readonly #state: StateReads;
  readonly #problem: (text: string) => void;
  readonly #known: { readonly name: string; readonly row: rows.BucketRow }[] = [];
  readonly #tallies = new Map<number, Tally>();
  readonly #owners = new Map<string, rows.OwnerRow>();
  #owned = 0;
  /** Which bucket an upload belongs to. */
  readonly #uploads = new Map<number, number>();
  #before: { readonly name: string; readonly seq: number } | undefined;

  constructor(state: StateReads, problem: (text: string) => void) {
    this.#state = state;
    this.#problem = problem;
  }

  get count(): number {
    return this.#known.length;
  }

  sums(): { readonly objects: number; readonly versions: number } {
    const all = [...this.#tallies.values()];
    const sum = (of: (tally: Tally) => number) => all.reduce((total, one) => total + of(one), 0);
    return { objects: sum((one) => one.objects), versions: sum((one) => one.versions) };
  }

  bucket(key: Key, row: rows.BucketRow): void {
    this.#known.push({ name: new KeyReader(key).text(), row });
  }

  owned(): void {
    this.#owned++;
  }

  owner(key: Key, row: rows.OwnerRow): void {
    this.#owners.set(new KeyReader(key).text(), row);
  }

  current(key: Key, row: rows.NameRow): void {
    const tally = this.#of(key);
    tally.objects++;
    tally.bytes += row.length;
    if (row.marker === true) this.#wrong(key, "a delete marker stands among the current objects");
  }

  /** See apply/versions.ts for where the versions of a name stand. */
  version(key: Key, row: rows.NameRow): void {
    const tally = this.#of(key);
    tally.versions++;
    tally.bytes += row.length;
    const name = key.slice(1, key.length - SEQUENCE_BYTES);
    const current = this.#row<rows.NameRow>(tags.current + name);
    const over = this.#before?.name === name ? this.#before : current;
    if (over === undefined && row.marker !== true)
      this.#wrong(key, "no version is current, though the newest is no delete marker");
    if (over !== undefined && over.seq <= row.seq) this.#wrong(key, "versions are out of order");
    this.#before = { name, seq: row.seq };
    if (row.isNull !== true) return;
    tally.nullVersions++;
    if (this.#row<rows.NullVersionRow>(tags.nullVersion + name)?.seq !== row.seq)
      this.#wrong(key, "the null version is not found by its name");
    if (current?.isNull === true) this.#wrong(key, "there are two null versions");
  }

  nullVersion(key: Key): void {
    this.#of(key).nullRows++;
  }

  upload(key: Key): void {
    this.#of(key).uploads++;
    const upload = new KeyReader(key, key.length - SEQUENCE_BYTES).u56();
    this.#uploads.set(upload, new KeyReader(key).u56());
  }

  part(key: Key, row: rows.PartRow): void {
    const bucket = this.#uploads.get(new KeyReader(key).u56());
    if (bucket !== undefined) this.#tally(bucket).pendingBytes += row.length;
  }

  check(): void {
    const sums = new Map<string, Required<rows.OwnerRow>>();
    for (const { name, row } of this.#known) {
      const tally = this.#tally(row.id);
      this.#tallies.delete(row.id);
      this.#checkBucket(name, row, tally);
      const { buckets, objects, bytes, pendingBytes } = sums.get(row.owner) ?? noBuckets;
      sums.set(row.owner, {
        buckets: buckets + 1,
        objects: objects + row.objects + row.versions,
        bytes: bytes + row.bytes,
        pendingBytes: pendingBytes + (row.pendingBytes ?? 0),
      });
      this.#tallies.set(row.id, tally);
    }
    const ids = new Set(this.#known.map(({ row }) => row.id));
    for (const id of this.#tallies.keys())
      if (!ids.has(id)) this.#problem(`there are names in bucket ${id}, which is not there`);
    this.#checkOwners(sums);
    if (this.#owned !== this.#known.length)
      this.#problem(`${this.#known.length} buckets are there, and ${this.#owned} have an owner`);
  }

  #checkBucket(name: string, row: rows.BucketRow, tally: Tally): void {
    const { objects, versions, bytes, uploads, pendingBytes, nullVersions, nullRows } = tally;
    const differs = (what: string, stated: number, found: number) => {
      if (stated !== found)
        this.#problem(`bucket ${name} says it has ${stated} ${what}, and has ${found}`);
    };
    differs("objects", row.objects, objects);
    differs("old versions", row.versions, versions);
    differs("bytes", row.bytes, bytes);
    differs("uploads", row.uploads, uploads);
    differs("bytes of uploads", row.pendingBytes ?? 0, pendingBytes);
    differs("names of null versions", nullRows, nullVersions);
  }

  #checkOwners(sums: ReadonlyMap<string, Required<rows.OwnerRow>>): void {
    for (const owner of new Set([...sums.keys(), ...this.#owners.keys()])) {
      const stated = { ...noBuckets, ...this.#owners.get(owner) };
      const found = sums.get(owner) ?? noBuckets;
      for (const what of ["buckets", "objects", "bytes", "pendingBytes"] as const)
        if (stated[what] !== found[what])
          this.#problem(`owner ${owner}: ${stated[what]} ${what} are stated, ${found[what]} found`);
    }
  }

  #of(key: Key): Tally {
    return this.#tally(new KeyReader(key).u56());
  }

  #tally(bucket: number): Tally {
    let tally = this.#tallies.get(bucket);
    if (tally === undefined) {
      tally = { ...{ objects: 0, versions: 0, bytes: 0, uploads: 0, pendingBytes: 0 }, ...noNulls };
      this.#tallies.set(bucket, tally);
    }
    return tally;
  }

  #row<Row>(key: Key): Row | undefined {
    const stored = this.#state.get(key as RowKey<Row>);
    return stored === undefined ? undefined : decodeRow<Row>(key, stored);
  }

  #wrong(key: Key, what: string): void {
    const reader = new KeyReader(key);
    const bucket = reader.u56();
    this.#problem(`bucket ${bucket}, ${JSON.stringify(reader.text())}: ${what}`);
  }
}

const noNulls = { nullVersions: 0, nullRows: 0 };
