import { describe, expect, test } from "vitest";
import { seededRandom } from "../base/random.ts";
import { S3Error } from "./s3/errors.ts";
import { canonicalQuery, parseTarget } from "./target.ts";

const parse = (url: string, host = "localhost:9000", domain?: string) =>
  parseTarget(url, host, domain);

describe("path style", () => {
  test.each([
    ["/", "", ""],
    ["/bucket", "bucket", ""],
    ["/bucket/", "bucket", ""],
    ["/bucket/key", "bucket", "key"],
    ["/bucket/a/b/", "bucket", "a/b/"],
    ["/bucket//a", "bucket", "/a"],
    ["/bucket/a//b", "bucket", "a//b"],
    ["/bucket/../other/x", "bucket", "../other/x"],
    ["/bucket/%2e%2e/x", "bucket", "../x"],
    ["/bucket/./x", "bucket", "./x"],
    ["/bucket/a%2Fb", "bucket", "a/b"],
    ["/bucket/a%252Fb", "bucket", "a%2Fb"],
    ["/bucket/a+b", "bucket", "a+b"],
    ["/bucket/a%20b", "bucket", "a b"],
    ["/bucket/%E2%82%AC%F0%9F%98%80", "bucket", "€😀"],
    ["/bucket/%00%01%7F", "bucket", "\0\x01\x7f"],
    ["/bucket/a;b=c:d@e", "bucket", "a;b=c:d@e"],
    ["http://host.example/bucket/key", "bucket", "key"],
  ])("%s", (url, bucket, key) => {
    expect(parse(url)).toMatchObject({ bucket, key });
  });

  test.each([
    ["/bucket/%", "InvalidURI"],
    ["/bucket/%4", "InvalidURI"],
    ["/bucket/%zz", "InvalidURI"],
    ["/bucket/%ff", "InvalidURI"],
    ["/bucket/%C0%AF", "InvalidURI"], // an overlong slash
    ["/bucket/%ED%A0%80", "InvalidURI"], // half of a surrogate pair
    ["/%ff/key", "InvalidURI"],
    ["//key", "InvalidBucketName"],
    ["*", "InvalidURI"],
    ["/b/k?prefix=a&prefix=b", "InvalidArgument"],
    [`/b/${"x".repeat(1025)}`, "KeyTooLongError"],
    [`/b/${"%C3%A9".repeat(513)}`, "KeyTooLongError"],
  ])("%s is %s", (url, code) => {
    expect(() => parse(url)).toThrow(expect.objectContaining({ code }));
  });

  test("a key of 1024 bytes is the longest", () => {
    expect(parse(`/b/${"%C3%A9".repeat(512)}`).key).toBe("é".repeat(512));
  });
});

describe("virtual-host style", () => {
  test.each([
    ["b.s3.example:9000", "/key", "b", "key"],
    ["B.S3.Example", "/a//b", "b", "a//b"],
    ["dotted.name.s3.example", "/", "dotted.name", ""],
    ["b.s3.example", "//x", "b", "/x"],
    ["s3.example", "/b/k", "b", "k"],
    ["evils3.example", "/b/k", "b", "k"],
    ["[::1]:9000", "/b/k", "b", "k"],
  ])("%s%s", (host, url, bucket, key) => {
    expect(parse(url, host, "s3.example")).toMatchObject({ bucket, key });
  });
});

test("parameters are decoded once and sorted by their encoded name", () => {
  const { query } = parse("/b?prefix=a%2Bb+c&list-type=2&delimiter=%2F&x");
  expect([...query]).toEqual([
    ["prefix", "a+b c"],
    ["list-type", "2"],
    ["delimiter", "/"],
    ["x", ""],
  ]);
  expect(canonicalQuery(query)).toBe("delimiter=%2F&list-type=2&prefix=a%2Bb%20c&x=");
  expect(canonicalQuery(query, "x")).toBe("delimiter=%2F&list-type=2&prefix=a%2Bb%20c");
});

test("every key comes back as it was encoded", () => {
  const random = seededRandom(3);
  for (let round = 0; round < 500; round++) {
    const length = 1 + (random.u32() % 40);
    const chars = Array.from({ length }, () => String.fromCodePoint(random.u32() % 0xd800));
    const key = chars.join("");
    const target = parse(`/b/${encodeURIComponent(key)}`);
    expect(target.key).toBe(key);
  }
});

test("random bytes are parsed or refused, never more", () => {
  const random = seededRandom(5);
  for (let round = 0; round < 3000; round++) {
    const url = `/${random.bytes(random.u32() % 30).toString("latin1")}%${random.bytes(3).toString("latin1")}`;
    try {
      parse(url, random.bytes(8).toString("latin1"), "s3.example");
    } catch (error) {
      expect(error).toBeInstanceOf(S3Error);
    }
  }
});
