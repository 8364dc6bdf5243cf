import { describe, expect, test } from "vitest";
import { parseTagging, taggingXml, tagsOf } from "./tag-set.ts";
import { parseTaggingHeader, taggingHeader } from "./tagging-header.ts";

const xml = (inner: string) => Buffer.from(`<Tagging><TagSet>${inner}</TagSet></Tagging>`);
const tag = (key: string, value: string) => `<Tag><Key>${key}</Key><Value>${value}</Value></Tag>`;

describe("tags in XML", () => {
  test("are read, and written in the order of their keys", () => {
    const tags = parseTagging(
      xml(tag("foo", "bar") + tag("bar", "") + tag("grün @/+-=._:", "1 2")),
    );
    expect(tags).toEqual({ foo: "bar", bar: "", "grün @/+-=._:": "1 2" });
    expect(taggingXml(tags)).toMatch(/<Key>bar<.*<Key>foo<.*<Key>grün /);
  });

  test("may be none", () => {
    expect(parseTagging(xml(""))).toEqual({});
  });

  test("may be called like what all objects have, but for the one name that no row can hold", () => {
    expect(Object.entries(tagsOf([["constructor", "x"]]))).toEqual([["constructor", "x"]]);
    expect(() => tagsOf([["__proto__", "x"]])).toThrow(/TagKey/);
  });

  test("length counts in UTF-16 units, to the last one", () => {
    expect(tagsOf([["k".repeat(128), "v".repeat(256)]])).toBeDefined();
    expect(tagsOf([["𝒌".repeat(64), ""]])).toBeDefined();
    expect(() => tagsOf([["𝒌".repeat(65), ""]])).toThrow();
  });

  test.each([
    [tag("a", "1") + tag("a", "2"), "InvalidTag"],
    [tag("", "1"), "InvalidTag"],
    [tag("k".repeat(129), "1"), "InvalidTag"],
    [tag("k", "v".repeat(257)), "InvalidTag"],
    [tag("k", "&#10;"), "InvalidTag"],
    [tag("k&lt;", "v"), "InvalidTag"],
    [tag("aws:mine", "v"), "InvalidTag"],
    ["<Tag><Key>k</Key></Tag>", "MalformedXML"],
    ["<Tag><Value>v</Value></Tag>", "MalformedXML"],
    ["<Other><Key>k</Key><Value>v</Value></Other>", "MalformedXML"],
    [`</TagSet><TagSet>`, "MalformedXML"],
  ])("%s is refused", (inner, code) => {
    expect(() => parseTagging(xml(inner))).toThrow(expect.objectContaining({ code }));
  });
});

describe("tags in the header", () => {
  test("are a query", () => {
    expect(parseTaggingHeader("foo=bar&bar&a+b=%C3%BC")).toEqual({
      foo: "bar",
      bar: "",
      "a b": "ü",
    });
    expect(parseTaggingHeader("")).toBeUndefined();
  });

  test("come back as they were", () => {
    const tags = { "a=b": "x y", "ü/": "+" };
    expect(parseTaggingHeader(taggingHeader(tags))).toEqual(tags);
  });

  test("are ten at most", () => {
    const many = (count: number) => Array.from({ length: count }, (_, i) => `k${i}=v`).join("&");
    expect(Object.keys(parseTaggingHeader(many(10)) ?? {})).toHaveLength(10);
    expect(() => parseTaggingHeader(many(11))).toThrow("greater than 10");
  });
});
