/**
 * Documents as programs have them, and as the store keeps them: JSON, in which a document of one field
 * stands for what JSON has not. `$date` in ms, `$oid` in hex, `$binary` in base64, `$numberLong` and
 * `$numberDouble` (not finite) as text.
 */
import type { PlainDocument, PlainValue } from "../../rpc/streams.ts";
import { MongoInvalidArgumentError } from "./errors.ts";
import { isObjectIdLike, ObjectId } from "./object-id.ts";

export interface Document {
  // biome-ignore lint/suspicious/noExplicitAny: as the driver's users have it, any value
  [field: string]: any;
}

/** Deeper ones MongoDB would not take either. */
const MOST_DEPTH = 100;

/** @throws MongoInvalidArgumentError for what cannot be kept, naming the field. */
export function toPlain(value: unknown, path = "value", depth = 0): PlainValue {
  switch (typeof value) {
    case "undefined":
      return null;
    case "boolean":
    case "string":
      return value;
    case "number":
      return Number.isFinite(value) ? value : { $numberDouble: String(value) };
    case "bigint":
      return Number.isSafeInteger(Number(value)) ? Number(value) : { $numberLong: String(value) };
    case "object":
      if (depth > MOST_DEPTH) throw new MongoInvalidArgumentError(`${path} is nested too deeply`);
      return value === null ? null : objectToPlain(value, path, depth);
    default:
      throw new MongoInvalidArgumentError(`${path} is a ${typeof value}, which cannot be stored`);
  }
}

function objectToPlain(value: object, path: string, depth: number): PlainValue {
  if (value instanceof Date) return dateToPlain(value, path);
  if (isObjectIdLike(value)) return { $oid: value.toHexString().toLowerCase() };
  if (value instanceof Uint8Array) return { $binary: Buffer.from(value).toString("base64") };
  if (Array.isArray(value)) return value.map((one, i) => toPlain(one, `${path}.${i}`, depth + 1));
  const { _bsontype, toBSON } = value as { _bsontype?: unknown; toBSON?: unknown };
  if (typeof toBSON === "function") return toPlain(toBSON.call(value), path, depth + 1);
  if (_bsontype !== undefined) return ofBson(value, String(_bsontype), path);
  if (value instanceof Map) return documentToPlain(Object.fromEntries(value), path, depth);
  const prototype = Object.getPrototypeOf(value) as unknown;
  if (prototype !== null && value instanceof RegExp)
    throw new MongoInvalidArgumentError(`${path} is a regular expression, which is not stored`);
  return documentToPlain(value, path, depth);
}

export function documentToPlain(value: object, path = "metadata", depth = 0): PlainDocument {
  const plain: Record<string, PlainValue> = {};
  for (const [field, one] of Object.entries(value)) {
    if (field.startsWith("$") || field === "__proto__")
      throw new MongoInvalidArgumentError(`a field of ${path} cannot be called ${field}`);
    plain[field] = toPlain(one, `${path}.${field}`, depth + 1);
  }
  return plain;
}

function dateToPlain(value: Date, path: string): PlainValue {
  const ms = value.getTime();
  if (Number.isNaN(ms)) throw new MongoInvalidArgumentError(`${path} is no valid date`);
  return { $date: ms };
}

/** What the package `bson` has for numbers and bytes. */
function ofBson(value: object, type: string, path: string): PlainValue {
  switch (type) {
    case "Long":
      return toPlain(BigInt(String(value)), path);
    case "Int32":
    case "Double":
      return toPlain(Number(value.valueOf()), path);
    case "Binary": {
      const { buffer, position } = value as { buffer: Uint8Array; position?: number };
      return { $binary: Buffer.from(buffer).subarray(0, position).toString("base64") };
    }
    default:
      throw new MongoInvalidArgumentError(`${path} is a ${type}, which cannot be stored`);
  }
}

export function fromPlain(value: PlainValue): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(fromPlain);
  return fromDocument(value as PlainDocument);
}

function fromDocument(value: PlainDocument): unknown {
  const { $date, $oid, $binary, $numberLong, $numberDouble } = value;
  if (typeof $date === "number") return new Date($date);
  if (typeof $oid === "string") return new ObjectId($oid);
  if (typeof $binary === "string") return Buffer.from($binary, "base64");
  if (typeof $numberLong === "string") return BigInt($numberLong);
  if (typeof $numberDouble === "string") return Number($numberDouble);
  return documentFromPlain(value);
}

export function documentFromPlain(value: PlainDocument): Document {
  return Object.fromEntries(Object.entries(value).map(([field, one]) => [field, fromPlain(one)]));
}
