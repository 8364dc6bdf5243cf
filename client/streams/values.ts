/** How values of documents compare: those of one kind by value, kinds in MongoDB's order. */
import { isObjectIdLike } from "./object-id.ts";

const kinds = ["null", "number", "string", "document", "array", "bytes", "id", "boolean", "date"];

function kindOf(value: unknown): number {
  if (value === undefined || value === null) return kinds.indexOf("null");
  if (typeof value === "bigint") return kinds.indexOf("number");
  if (typeof value !== "object") return kinds.indexOf(typeof value);
  if (Array.isArray(value)) return kinds.indexOf("array");
  if (value instanceof Uint8Array) return kinds.indexOf("bytes");
  if (value instanceof Date) return kinds.indexOf("date");
  return kinds.indexOf(isObjectIdLike(value) ? "id" : "document");
}

export const areOfOneKind = (a: unknown, b: unknown): boolean => kindOf(a) === kindOf(b);

/** Negative, 0 or positive. */
export function compareValues(a: unknown, b: unknown): number {
  const kind = kindOf(a);
  const byKind = kind - kindOf(b);
  if (byKind !== 0) return byKind;
  switch (kinds[kind]) {
    case "null":
      return 0;
    case "string":
      return Buffer.compare(Buffer.from(a as string), Buffer.from(b as string));
    case "bytes":
      return compareBytes(a as Uint8Array, b as Uint8Array);
    case "id":
      return order(hexOf(a), hexOf(b));
    case "array":
      return compareLists(a as unknown[], b as unknown[]);
    case "document":
      return compareLists(flat(a as object), flat(b as object));
    default:
      return compareNumbers(a as number, b as number);
  }
}

export const areEqual = (a: unknown, b: unknown): boolean => compareValues(a, b) === 0;

const hexOf = (id: unknown) => (isObjectIdLike(id) ? id.toHexString().toLowerCase() : "");
const flat = (document: object) => Object.entries(document).flat();

/** Numbers, booleans and dates. Not-a-number is less than all others, as MongoDB has it. */
function compareNumbers(a: number | bigint, b: number | bigint): number {
  const aIsNone = Number.isNaN(Number(a));
  const bIsNone = Number.isNaN(Number(b));
  if (aIsNone || bIsNone) return Number(bIsNone) - Number(aIsNone);
  return order(a, b);
}

function order<T>(a: T, b: T): number {
  if (a < b) return -1;
  return a > b ? 1 : 0;
}

/** The shorter is the lesser one. */
function compareBytes(a: Uint8Array, b: Uint8Array): number {
  return a.length - b.length || Buffer.compare(a, b);
}

function compareLists(a: readonly unknown[], b: readonly unknown[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const found = compareValues(a[i], b[i]);
    if (found !== 0) return found;
  }
  return a.length - b.length;
}
