import { describe, expect, test } from "vitest";
import { routeOf } from "./routes.ts";
import { S3Error } from "./s3/errors.ts";
import { subresources } from "./subresources.ts";
import { parseTarget } from "./target.ts";

const methods = ["GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "PATCH", "PROPFIND"];
const plain = new Set([
  "GetObject",
  "HeadObject",
  "PutObject",
  "DeleteObject",
  "CreateBucket",
  "DeleteBucket",
  "HeadBucket",
  "ListObjects",
  "ListBuckets",
]);

function verbOf(method: string, url: string): string {
  const route = routeOf(method, parseTarget(url, "localhost"), {});
  return route instanceof S3Error ? route.code : route.verb;
}

describe("the route table", () => {
  test.each([
    ["GET", "/", "ListBuckets"],
    ["PUT", "/b", "CreateBucket"],
    ["GET", "/b?list-type=2&prefix=x", "ListObjectsV2"],
    ["GET", "/b/k?x-id=GetObject", "GetObject"],
    ["GET", "/b/k?response-content-type=a", "GetObject"],
    ["PUT", "/b/k?uploadId=u&partNumber=1", "UploadPart"],
    ["PUT", "/b/k?partNumber=1", "NotImplemented"],
    ["GET", "/b/k?partNumber=1", "GetObject"],
    ["POST", "/b/k?partNumber=1", "NotImplemented"],
    ["GET", "/b/k?unknown", "NotImplemented"],
    ["PUT", "/b/k?unknown=1", "NotImplemented"],
    ["GET", "/b/k?acl&tagging", "NotImplemented"],
    ["DELETE", "/b?policy", "NotImplemented"],
    ["POST", "/b", "PostObject"],
    ["DELETE", "/", "MethodNotAllowed"],
    ["PROPFIND", "/b", "MethodNotAllowed"],
  ])("%s %s is %s", (method, url, verb) => {
    expect(verbOf(method, url)).toBe(verb);
  });

  test("a PUT that names a source to copy from is never a plain one", () => {
    const verb = (url: string, headers: Record<string, string> = {}) => {
      const route = routeOf("PUT", parseTarget(url, "localhost"), headers);
      return route instanceof S3Error ? route.code : route.verb;
    };
    const source = { "x-amz-copy-source": "a/b" };
    expect(verb("/b/k", source)).toBe("CopyObject");
    expect(verb("/b/k?X-Amz-Copy-Source=a/b")).toBe("CopyObject");
    expect(verb("/b/k?uploadId=u&partNumber=1", source)).toBe("UploadPartCopy");
    expect(verb("/b/k?uploadId=u&partNumber=1&x-amz-copy-source=")).toBe("UploadPartCopy");
    for (const url of ["/b", "/b/k?acl", "/b/k?tagging"])
      expect(verb(url, source)).toBe("NotImplemented");
  });

  const others = [...subresources].filter((name) => name !== "partNumber");
  test.each(others)("?%s never passes for the verb without it", (name) => {
    for (const method of methods)
      for (const path of ["/", "/b", "/b/k"]) {
        const verb = verbOf(method, `${path}?${name}`);
        expect(plain.has(verb), `${method} ${path}?${name} is ${verb}`).toBe(false);
      }
  });
});
