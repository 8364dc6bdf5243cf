/**
 * MongoDB's filters over documents, the part that is asked of files: equality, comparison, sets, existence,
 * patterns, arrays, and and-or-not of these; paths with points, through arrays.
 */
import type { Document } from "./documents.ts";
import { MongoInvalidArgumentError } from "./errors.ts";
import { isObjectIdLike } from "./object-id.ts";
import { areEqual, areOfOneKind, compareValues } from "./values.ts";

export type Filter = Document;
type Test = (value: unknown) => boolean;

/** Whether a document fits. @throws MongoInvalidArgumentError for an operator that is not known. */
export function compileFilter(filter: Filter): (document: Document) => boolean {
  const tests = Object.entries(filter).map(([field, wanted]) => compileField(field, wanted));
  return (document) => tests.every((test) => test(document));
}

function compileField(field: string, wanted: unknown): (document: Document) => boolean {
  switch (field) {
    case "$and": {
      const all = listOf(field, wanted).map((one) => compileFilter(one as Filter));
      return (document) => all.every((test) => test(document));
    }
    case "$or":
    case "$nor": {
      const any = listOf(field, wanted).map((one) => compileFilter(one as Filter));
      return (document) => any.some((test) => test(document)) === (field === "$or");
    }
    case "$comment":
      return () => true;
    default: {
      if (field.startsWith("$")) throw unknownOperator(field);
      const test = compileCondition(wanted);
      const path = field.split(".");
      return (document) => test(valuesAt(document, path));
    }
  }
}

/** A test over all values that a path leads to: none when it leads to nothing. */
type PathTest = (values: readonly unknown[]) => boolean;

function compileCondition(wanted: unknown): PathTest {
  if (wanted instanceof RegExp) return some(matching(wanted));
  if (!isOperators(wanted)) return equals(wanted);
  const { $regex, $options, ...others } = wanted;
  const tests = Object.entries(others).map(([name, value]) => compileOperator(name, value));
  if ($regex !== undefined) tests.push(some(matching(patternOf($regex, $options))));
  return (values) => tests.every((test) => test(values));
}

function isOperators(value: unknown): value is Document {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  if (value instanceof Date || value instanceof Uint8Array || isObjectIdLike(value)) return false;
  const fields = Object.keys(value);
  return fields.length > 0 && fields.every((field) => field.startsWith("$"));
}

function compileOperator(name: string, wanted: unknown): PathTest {
  switch (name) {
    case "$eq":
      return equals(wanted);
    case "$ne":
      return not(equals(wanted));
    case "$gt":
      return some(ordered(wanted, (found) => found > 0));
    case "$gte":
      return some(ordered(wanted, (found) => found >= 0));
    case "$lt":
      return some(ordered(wanted, (found) => found < 0));
    case "$lte":
      return some(ordered(wanted, (found) => found <= 0));
    case "$in":
      return anyOf(listOf(name, wanted));
    case "$nin":
      return not(anyOf(listOf(name, wanted)));
    case "$exists":
      return (values) => values.length > 0 === Boolean(wanted);
    case "$not":
      return not(compileCondition(wanted));
    case "$all": {
      const all = listOf(name, wanted).map(equals);
      return (values) => all.length > 0 && all.every((test) => test(values));
    }
    case "$size":
      return (values) => values.some((one) => Array.isArray(one) && one.length === wanted);
    case "$elemMatch":
      return elementMatches(wanted);
    default:
      throw unknownOperator(name);
  }
}

function elementMatches(wanted: unknown): PathTest {
  const isOfValues = isOperators(wanted);
  const ofValue = isOfValues ? compileCondition(wanted) : undefined;
  const ofDocument = isOfValues ? undefined : compileFilter(wanted as Filter);
  const fits: Test = (element) =>
    ofValue?.([element]) ??
    (typeof element === "object" && element !== null && ofDocument?.(element) === true);
  return (values) => values.some((one) => Array.isArray(one) && one.some(fits));
}

const not =
  (test: PathTest): PathTest =>
  (values) =>
    !test(values);

/** The value itself, or an element of it when it is an array. */
const some =
  (test: Test): PathTest =>
  (values) =>
    values.some((one) => test(one) || (Array.isArray(one) && one.some(test)));

function equals(wanted: unknown): PathTest {
  const found = some((value) => areEqual(value, wanted));
  // What is not there is null.
  return wanted === null || wanted === undefined
    ? (values) => values.length === 0 || found(values)
    : found;
}

function anyOf(list: readonly unknown[]): PathTest {
  const tests = list.map((one) => (one instanceof RegExp ? some(matching(one)) : equals(one)));
  return (values) => tests.some((test) => test(values));
}

const ordered =
  (wanted: unknown, fits: (found: number) => boolean): Test =>
  (value) =>
    areOfOneKind(value, wanted) && fits(compareValues(value, wanted));

const matching =
  (pattern: RegExp): Test =>
  (value) => {
    if (typeof value !== "string") return false;
    pattern.lastIndex = 0;
    return pattern.test(value);
  };

function patternOf($regex: unknown, $options: unknown): RegExp {
  const flags = typeof $options === "string" ? $options.replace("x", "") : undefined;
  if ($regex instanceof RegExp) return new RegExp($regex.source, flags ?? $regex.flags);
  if (typeof $regex === "string") return new RegExp($regex, flags);
  throw new MongoInvalidArgumentError("$regex is a pattern, as text or as a RegExp");
}

/** All values at a path; elements of arrays are looked into, by number and each. */
function valuesAt(value: unknown, path: readonly string[]): unknown[] {
  const [field, ...rest] = path;
  if (field === undefined) return [value];
  if (typeof value !== "object" || value === null) return [];
  const own = Object.hasOwn(value, field)
    ? valuesAt((value as Document)[field] as unknown, rest)
    : [];
  if (!Array.isArray(value)) return own;
  return [...own, ...value.flatMap((one) => (Array.isArray(one) ? [] : valuesAt(one, path)))];
}

function listOf(name: string, value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new MongoInvalidArgumentError(`${name} needs an array`);
}

const unknownOperator = (name: string) =>
  new MongoInvalidArgumentError(`unknown operator: ${name}`);
