/** Filters, sorts and ids: what MongoDB would answer. */
import { describe, expect, test } from "vitest";
import { documentFromPlain, documentToPlain } from "./documents.ts";
import { compileFilter, type Filter } from "./filter.ts";
import { idOfKey, keyOfId } from "./id-key.ts";
import { ObjectId } from "./object-id.ts";
import { comparing, fieldsOf } from "./sort.ts";

const id = new ObjectId("0102030405060708090a0b0c");
const document = {
  _id: id,
  filename: "a.txt",
  length: 10,
  uploadDate: new Date(1000),
  metadata: {
    n: null,
    tags: ["x", "y"],
    deep: [{ k: 1 }, { k: 5 }],
    matrix: [[1, 2]],
    bytes: Buffer.from([1, 2]),
    yes: true,
  },
};

test.each<[Filter, boolean]>([
  [{}, true],
  [{ _id: id }, true],
  [{ _id: "0102030405060708090a0b0c" }, false],
  [{ filename: "a.txt", length: 10 }, true],
  [{ filename: "a.txt", length: 11 }, false],
  [{ length: 10n }, true],
  [{ length: "10" }, false],
  [{ length: { $gt: 9, $lt: 11 } }, true],
  [{ length: { $gt: 10 } }, false],
  [{ length: { $gte: "1" } }, false],
  [{ filename: { $gt: "a" } }, true],
  [{ uploadDate: { $lte: new Date(1000) } }, true],
  [{ uploadDate: new Date(1001) }, false],
  [{ filename: { $in: ["b", /^a/] } }, true],
  [{ filename: { $nin: ["b"] } }, true],
  [{ filename: { $ne: "a.txt" } }, false],
  [{ filename: { $regex: "^A", $options: "i" } }, true],
  [{ filename: { $not: /txt$/ } }, false],
  [{ filename: { $eq: "a.txt" } }, true],
  [{ "metadata.n": null }, true],
  [{ "metadata.none": null }, true],
  [{ "metadata.none": { $exists: false } }, true],
  [{ "metadata.n": { $exists: true } }, true],
  [{ "metadata.none": { $ne: 1 } }, true],
  [{ "metadata.tags": "x" }, true],
  [{ "metadata.tags": ["x", "y"] }, true],
  [{ "metadata.tags": ["y", "x"] }, false],
  [{ "metadata.tags": { $all: ["x", "y"] } }, true],
  [{ "metadata.tags": { $all: ["x", "z"] } }, false],
  [{ "metadata.tags": { $size: 2 } }, true],
  [{ "metadata.tags.1": "y" }, true],
  [{ "metadata.deep.k": 5 }, true],
  [{ "metadata.deep.k": { $gt: 5 } }, false],
  [{ "metadata.deep": { k: 1 } }, true],
  [{ "metadata.deep": { $elemMatch: { k: { $gt: 1, $lt: 6 } } } }, true],
  [{ "metadata.tags": { $elemMatch: { $gt: "x" } } }, true],
  [{ "metadata.matrix": [1, 2] }, true],
  [{ "metadata.bytes": Buffer.from([1, 2]) }, true],
  [{ "metadata.yes": { $gt: false } }, true],
  [{ $or: [{ length: 1 }, { filename: "a.txt" }] }, true],
  [{ $and: [{ length: 10 }, { filename: "b" }] }, false],
  [{ $nor: [{ length: 1 }, { length: 2 }] }, true],
])("%o is %s", (filter, fits) => {
  expect(compileFilter(filter)(document)).toBe(fits);
});

test("an operator that is not known is refused, not ignored", () => {
  for (const filter of [{ $where: "1" }, { a: { $near: 1 } }, { a: { $in: 1 } }, { $or: 1 }])
    expect(() => compileFilter(filter)).toThrow(/unknown operator|needs an array/);
});

test("sorts by kind, then by value, then by the next field", () => {
  const values = [new Date(1), true, id, Buffer.from([1]), [1], { a: 1 }, "b", "a", 2, 1n, null];
  const sorted = values.map((v) => ({ v })).sort(comparing(fieldsOf("v")));
  expect(sorted.map(({ v }) => v)).toEqual([
    ...[null, 1n, 2, "a", "b", { a: 1 }, [1], Buffer.from([1]), id, true, new Date(1)],
  ]);
  const two = [
    { a: 1, b: 1 },
    { a: 0, b: 1 },
    { a: 1, b: 2 },
  ].sort(comparing(fieldsOf({ a: -1, b: "desc" })));
  expect(two).toEqual([
    { a: 1, b: 2 },
    { a: 1, b: 1 },
    { a: 0, b: 1 },
  ]);
  expect(() => fieldsOf({ a: 0 as 1 })).toThrow("invalid sort direction");
});

describe("ids as keys", () => {
  test.each<[unknown, string]>([
    [id, "0102030405060708090a0b0c"],
    ["0102030405060708090a0b0c", '="0102030405060708090a0b0c"'],
    ["videos/a.mp4", "videos/a.mp4"],
    ["=1", '="=1"'],
    ["", '=""'],
    ["a\nb", '="a\\nb"'],
    [1, "=1"],
    [1n, "=1"],
    [2n ** 60n, '={"$numberLong":"1152921504606846976"}'],
    [Number.NaN, '={"$numberDouble":"NaN"}'],
    [null, "=null"],
    [new Date(5), '={"$date":5}'],
    [Buffer.from([1]), '={"$binary":"AQ=="}'],
    [{ a: { b: id } }, '={"a":{"b":{"$oid":"0102030405060708090a0b0c"}}}'],
  ])("%o is %s, and back", (value, key) => {
    expect(keyOfId(value)).toBe(key);
    expect(idOfKey(key)).toEqual(value === 1n ? 1 : value);
  });

  test("what cannot be one is refused; a key that is none is a name", () => {
    for (const value of [undefined, [1], { $a: 1 }, () => 1])
      expect(() => keyOfId(value)).toThrow();
    for (const key of ["=", "={", "=01", "= 1", '={"$a":1}']) expect(idOfKey(key)).toBe(key);
  });
});

test("documents come back as they were given", () => {
  const given = { ...document.metadata, d: new Date(0), id, big: -(2n ** 62n), inf: Infinity };
  expect(documentFromPlain(documentToPlain(given))).toEqual(given);
  class Foreign {
    readonly _bsontype = "ObjectId";
    toHexString = () => id.toHexString().toUpperCase();
  }
  expect(documentToPlain({ a: new Foreign(), u: undefined, m: new Map([["k", 1]]) })).toEqual({
    a: { $oid: id.toHexString() },
    u: null,
    m: { k: 1 },
  });
});

test("an ObjectId tells when it was made, and no two are the same", () => {
  const made = Array.from({ length: 1000 }, () => new ObjectId().toHexString());
  expect(new Set(made).size).toBe(1000);
  expect(new ObjectId(1000).getTimestamp()).toEqual(new Date(1_000_000));
  expect(id.equals(new ObjectId(id.id))).toBe(true);
  expect([ObjectId.isValid("x"), ObjectId.isValid(id.toString())]).toEqual([false, true]);
  expect(() => new ObjectId("x")).toThrow("24 hex digits");
});
