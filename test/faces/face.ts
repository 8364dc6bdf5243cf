/** One way to name files, as the load uses it. A name is `kind:…`, whatever the face has behind it. */
import type { LinkSource } from "../../client/link-names.ts";

export interface Span {
  readonly start: number;
  /** Behind the last byte. */
  readonly end: number;
}

/** Blobs that a name holds: that of its content, and one of its own; a bare fid holds none. */
export interface Holds {
  readonly content: boolean;
  readonly more: number;
}

export interface Face {
  readonly kind: string;
  /** A name may be put again and again; or it is new each time; or only the store can say it. */
  readonly naming: "again" | "new" | "given";
  /** A name for client `index`. Of a face whose names are given it is not used. */
  draw(index: number, number: number): string;
  put(name: string, content: Buffer): Promise<string>;
  link(from: LinkSource, name: string): Promise<string>;
  /** Undefined: there is none. */
  read(name: string, span?: Span): Promise<Buffer | undefined>;
  remove(name: string): Promise<void>;
  /** Brings back what was removed last. */
  restore?(name: string): Promise<void>;
  /** Describes the name anew; its content stays. */
  describe?(name: string, number: number): Promise<void>;
  /** Content that is changed in place, of names that may. */
  readonly changes?: {
    may(name: string): boolean;
    append(name: string, more: Buffer): Promise<void>;
    truncate(name: string, lengthBytes: number): Promise<void>;
  };
  /** The name as links have it; undefined for one that cannot be linked. */
  source(name: string): LinkSource | undefined;
  holds(name: string): Holds;
  /** Of all that can be listed. */
  list(): Promise<Set<string>>;
  isListed(name: string): boolean;
  /** What does not fit together, looked at while nothing is under way. */
  audit?(): Promise<string[]>;
}
