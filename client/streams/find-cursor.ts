/** A cursor as the driver's `find` gives it: described first, then read once. */
import { Readable } from "node:stream";
import { MongoAPIError, MongoInvalidArgumentError } from "./errors.ts";
import type { Filter } from "./filter.ts";
import type { FindOptions } from "./find.ts";
import { fieldsOf, type Sort, type SortDirection } from "./sort.ts";

/** The documents that a filter finds. */
export type Finder<T> = (filter: Filter, options: FindOptions) => AsyncIterable<T>;

export class FindCursor<T> implements AsyncIterable<T>, AsyncDisposable {
  readonly #find: Finder<T>;
  #filter: Filter;
  #options: FindOptions;
  #reading: AsyncIterator<T> | undefined;
  #ahead: T | undefined;
  #closed = false;

  constructor(find: Finder<T>, filter: Filter, options: FindOptions) {
    this.#find = find;
    this.#filter = filter;
    this.#options = {};
    if (options.sort !== undefined) this.sort(options.sort);
    if (options.skip !== undefined) this.skip(options.skip);
    if (options.limit !== undefined) this.limit(options.limit);
  }

  get closed(): boolean {
    return this.#closed;
  }

  filter(filter: Filter): this {
    this.#checkFresh();
    this.#filter = filter;
    return this;
  }

  sort(sort: Sort, direction?: SortDirection): this {
    this.#checkFresh();
    this.#options = { ...this.#options, sort: fieldsOf(sort, direction) };
    return this;
  }

  skip(value: number): this {
    this.#checkFresh();
    if (!Number.isSafeInteger(value) || value < 0)
      throw new MongoInvalidArgumentError("skip is a whole number from 0 on");
    this.#options = { ...this.#options, skip: value };
    return this;
  }

  limit(value: number): this {
    this.#checkFresh();
    if (!Number.isSafeInteger(value))
      throw new MongoInvalidArgumentError("limit is a whole number");
    this.#options = { ...this.#options, limit: value };
    return this;
  }

  /** The same, of what a function makes of each document. */
  map<U>(transform: (document: T) => U): FindCursor<U> {
    this.#checkFresh();
    const find = this.#find;
    const mapped = async function* (filter: Filter, options: FindOptions) {
      for await (const document of find(filter, options)) yield transform(document);
    };
    return new FindCursor(mapped, this.#filter, this.#options);
  }

  /** The next document, or null at the end. */
  async next(): Promise<T | null> {
    if (this.#ahead !== undefined) {
      const document = this.#ahead;
      this.#ahead = undefined;
      return document;
    }
    if (this.#closed) return null;
    this.#reading ??= this.#find(this.#filter, this.#options)[Symbol.asyncIterator]();
    const read = await this.#reading.next();
    if (read.done !== true) return read.value;
    this.#closed = true;
    return null;
  }

  async tryNext(): Promise<T | null> {
    return await this.next();
  }

  async hasNext(): Promise<boolean> {
    this.#ahead ??= (await this.next()) ?? undefined;
    return this.#ahead !== undefined;
  }

  async toArray(): Promise<T[]> {
    const all: T[] = [];
    for await (const document of this) all.push(document);
    return all;
  }

  /** Ends when the function gives false. */
  async forEach(visit: (document: T) => unknown): Promise<void> {
    for await (const document of this) if (visit(document) === false) return;
  }

  /** Documents that fit the filter, skip and limit. */
  async count(): Promise<number> {
    let count = 0;
    for await (const _ of this.#find(this.#filter, this.#options)) count++;
    return count;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, void> {
    try {
      for (let one = await this.next(); one !== null; one = await this.next()) yield one;
    } finally {
      await this.close();
    }
  }

  stream(): Readable {
    return Readable.from(this);
  }

  /** Begins again. */
  rewind(): void {
    this.#reading = undefined;
    this.#ahead = undefined;
    this.#closed = false;
  }

  clone(): FindCursor<T> {
    return new FindCursor(this.#find, this.#filter, this.#options);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#ahead = undefined;
    await this.#reading?.return?.();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #checkFresh(): void {
    if (this.#reading !== undefined || this.#closed)
      throw new MongoAPIError("Cursor is already initialized");
  }
}
