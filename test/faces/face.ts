/** One way to name files, as the load uses it: over the wire that its clients use. */
import type { ObjectName } from "../../client/link-names.ts";

export interface Span {
  readonly start: number;
  /** Behind the last byte. */
  readonly end: number;
}

export interface Face {
  readonly kind: string;
  /** A name for client `index`; each owns some, and may get one that it has used already. */
  draw(index: number, number: number): string;
  put(name: string, content: Buffer): Promise<void>;
  /** Undefined: there is none. */
  read(name: string, span?: Span): Promise<Buffer | undefined>;
  remove(name: string): Promise<void>;
  /** Brings back what was removed last. */
  restore?(name: string): Promise<void>;
  /** The name as links have it. */
  linked(name: string): ObjectName;
  /** Of all that there are. */
  list(): Promise<Set<string>>;
}
