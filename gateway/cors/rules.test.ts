import { describe, expect, test } from "vitest";
import type { CorsRule } from "../../rpc/objects.ts";
import { grantOf } from "./rules.ts";

const rule = (more: Partial<CorsRule>): CorsRule => ({
  allowedOrigins: ["*"],
  allowedMethods: ["GET"],
  allowedHeaders: [],
  exposeHeaders: [],
  ...more,
});
const asks = (origin: string, method = "GET", headers: string[] = []) => ({
  origin,
  method,
  headers,
});

describe("origins", () => {
  test.each([
    ["https://a.test", "https://a.test", true],
    ["https://a.test", "https://a.test:8443", false],
    ["https://a.test", "http://a.test", false],
    ["*", "null", true],
    ["*", "", true],
    ["*suffix", "foo.suffix", true],
    ["*suffix", "suffix", true],
    ["*suffix", "foo.suffix.get", false],
    ["start*end", "startend", true],
    ["start*end", "start12end", true],
    ["start*end", "0start12end", false],
    ["prefix*", "prefix.suffix", true],
    ["prefix*", "bla.prefix", false],
    // the two sides of the star must not overlap
    ["aba*ba", "aba", false],
    ["aba*ba", "ababa", true],
    // nothing but the star is special
    ["https://a.test", "https://aXtest", false],
    ["https://[a].test", "https://a.test", false],
  ])("%s lets %s: %s", (pattern, origin, fits) => {
    const rules = [rule({ allowedOrigins: ["https://never.test", pattern] })];
    expect(grantOf(rules, asks(origin)) !== undefined).toBe(fits);
  });

  test("a rule for all does not name the origin", () => {
    expect(grantOf([rule({})], asks("https://a"))?.anyOrigin).toBe(true);
    expect(grantOf([rule({ allowedOrigins: ["https*"] })], asks("https://a"))?.anyOrigin).toBe(
      false,
    );
  });
});

test("methods are those of the rule, in capitals", () => {
  const rules = [rule({ allowedMethods: ["GET", "PUT"] })];
  expect(grantOf(rules, asks("x", "PUT"))).toBeDefined();
  expect(grantOf(rules, asks("x", "put"))).toBeUndefined();
  expect(grantOf(rules, asks("x", "DELETE"))).toBeUndefined();
});

describe("headers", () => {
  const rules = [rule({ allowedHeaders: ["X-Amz-*", "content-type"] })];
  test.each([
    [[], true],
    [["x-amz-date", "Content-Type"], true],
    [["x-amz-date", "authorization"], false],
    [["x-am"], false],
  ])("%j: %s", (headers, fits) => {
    expect(grantOf(rules, asks("x", "GET", headers)) !== undefined).toBe(fits);
  });

  test("a rule without any allows none", () => {
    expect(grantOf([rule({})], asks("x", "GET", ["x-amz-date"]))).toBeUndefined();
  });
});

test("the first rule that fits in all respects counts", () => {
  const rules = [
    rule({ id: "origin", allowedOrigins: ["https://b"] }),
    rule({ id: "method", allowedMethods: ["PUT"] }),
    rule({ id: "fits", allowedOrigins: ["https://a"] }),
    rule({ id: "later" }),
  ];
  expect(grantOf(rules, asks("https://a"))?.rule.id).toBe("fits");
  expect(grantOf([], asks("https://a"))).toBeUndefined();
});
