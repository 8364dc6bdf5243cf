import { expect, test } from "vitest";
import { isBucketName } from "../../client/bucket-name.ts";
import { checkBucketName } from "./bucket-name.ts";

test.each(["abc", "a1.b-c", "0ab", "x".repeat(63), "1.2.3.4.5"])("%s can be a bucket", (name) => {
  expect(isBucketName(name)).toBe(true);
});

test.each([
  "",
  "ab",
  "x".repeat(64),
  "Abc",
  "a_b",
  "-abc",
  "abc-",
  ".abc",
  "abc.",
  "a..b",
  "a-.b",
  "a.-b",
  "192.168.5.4",
  "xn--abc",
  "sthree-abc",
  "amzn-s3-demo-abc",
  "abc-s3alias",
  "abc--ol-s3",
  "../../etc",
  "a/b",
  "é-abc",
  "abc\n",
])("%j cannot", (name) => {
  expect(() => checkBucketName(name)).toThrow(
    expect.objectContaining({ code: "InvalidBucketName" }),
  );
});

test("what the endpoint serves itself is no bucket, and the error says so", () => {
  for (const name of ["metrics", "health"]) expect(() => checkBucketName(name)).toThrow(/reserved/);
});
