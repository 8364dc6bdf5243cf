/**
 * Ids as MongoDB makes them: u32 seconds since 1970, 5 random bytes of the process, u24 counter, all
 * big-endian; written as 24 hex digits.
 */
import { inspect } from "node:util";
import { systemClock } from "../../base/clock.ts";
import { systemRandom } from "../../base/random.ts";
import { MongoInvalidArgumentError } from "./errors.ts";

const BYTES = 12;
const HEX = /^[0-9a-fA-F]{24}$/;

/** What any version of the package `bson` makes is one, too. */
export interface ObjectIdLike {
  toHexString(): string;
}

export function isObjectIdLike(value: unknown): value is ObjectIdLike {
  if (value instanceof ObjectId) return true;
  if (typeof value !== "object" || value === null) return false;
  const { _bsontype, toHexString } = value as { _bsontype?: unknown; toHexString?: unknown };
  return /^ObjectI[dD]$/.test(String(_bsontype)) && typeof toHexString === "function";
}

let ofProcess: Buffer | undefined;
let counter = 0;

function nextBytes(seconds: number): Buffer {
  if (ofProcess === undefined) {
    ofProcess = systemRandom.bytes(5);
    counter = systemRandom.u32() & 0xffffff;
  }
  counter = (counter + 1) & 0xffffff;
  const bytes = Buffer.alloc(BYTES);
  bytes.writeUInt32BE(seconds >>> 0, 0);
  bytes.set(ofProcess, 4);
  bytes.writeUIntBE(counter, 9, 3);
  return bytes;
}

export class ObjectId {
  readonly #hex: string;

  /** A new one, of this second or the one that is given; or one that exists, as hex or as bytes. */
  constructor(from?: string | number | Uint8Array | ObjectIdLike) {
    if (from === undefined || typeof from === "number")
      this.#hex = nextBytes(from ?? Math.floor(systemClock.nowMs() / 1000)).toString("hex");
    else if (typeof from === "string" && HEX.test(from)) this.#hex = from.toLowerCase();
    else if (from instanceof Uint8Array && from.length === BYTES)
      this.#hex = Buffer.from(from).toString("hex");
    else if (isObjectIdLike(from)) this.#hex = from.toHexString().toLowerCase();
    else throw new MongoInvalidArgumentError("an ObjectId is 24 hex digits or 12 bytes");
  }

  static createFromHexString(hex: string): ObjectId {
    return new ObjectId(hex);
  }

  static isValid(id: unknown): boolean {
    if (typeof id === "string") return HEX.test(id);
    return isObjectIdLike(id) || (id instanceof Uint8Array && id.length === BYTES);
  }

  /** As the package `bson` marks its own. */
  get _bsontype(): "ObjectId" {
    return "ObjectId";
  }

  get id(): Buffer {
    return Buffer.from(this.#hex, "hex");
  }

  toHexString(): string {
    return this.#hex;
  }

  toString(): string {
    return this.#hex;
  }

  toJSON(): string {
    return this.#hex;
  }

  equals(other: unknown): boolean {
    if (typeof other === "string") return other.toLowerCase() === this.#hex;
    return isObjectIdLike(other) && other.toHexString().toLowerCase() === this.#hex;
  }

  getTimestamp(): Date {
    return new Date(Number.parseInt(this.#hex.slice(0, 8), 16) * 1000);
  }

  [inspect.custom](): string {
    return `new ObjectId('${this.#hex}')`;
  }
}
