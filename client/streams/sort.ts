/** Orders of documents as the driver's cursors take them. */
import type { Document } from "./documents.ts";
import { MongoInvalidArgumentError } from "./errors.ts";
import { compareValues } from "./values.ts";

export type SortDirection = 1 | -1 | "asc" | "desc" | "ascending" | "descending";
export type Sort =
  | string
  | Readonly<Record<string, SortDirection>>
  | ReadonlyMap<string, SortDirection>
  | readonly string[]
  | readonly (readonly [string, SortDirection])[];

type Field = readonly [path: string, sign: 1 | -1];

export function fieldsOf(sort: Sort, direction?: SortDirection): Field[] {
  if (typeof sort === "string") return [[sort, signOf(direction ?? 1)]];
  if (sort instanceof Map) return [...sort].map(([path, one]) => [path, signOf(one)]);
  if (Array.isArray(sort)) return (sort as readonly unknown[]).map(fieldOf);
  return Object.entries(sort).map(([path, one]) => [path, signOf(one as SortDirection)]);
}

function fieldOf(one: unknown): Field {
  if (typeof one === "string") return [one, 1];
  if (Array.isArray(one) && typeof one[0] === "string") return [one[0], signOf(one[1])];
  throw new MongoInvalidArgumentError(
    "a sort is a field, pairs of field and direction, or a document",
  );
}

function signOf(direction: unknown): 1 | -1 {
  switch (String(direction).toLowerCase()) {
    case "1":
    case "asc":
    case "ascending":
      return 1;
    case "-1":
    case "desc":
    case "descending":
      return -1;
    default:
      throw new MongoInvalidArgumentError(`invalid sort direction: ${String(direction)}`);
  }
}

export function comparing(fields: readonly Field[]): (a: Document, b: Document) => number {
  const paths = fields.map(([path, sign]) => ({ path: path.split("."), sign }));
  return (a, b) => {
    for (const { path, sign } of paths) {
      const found = compareValues(at(a, path), at(b, path));
      if (found !== 0) return sign * found;
    }
    return 0;
  };
}

function at(value: unknown, path: readonly string[]): unknown {
  let here = value;
  for (const field of path) {
    if (typeof here !== "object" || here === null || !Object.hasOwn(here, field)) return undefined;
    here = (here as Document)[field] as unknown;
  }
  return here;
}
