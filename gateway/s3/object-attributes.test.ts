import type { IncomingHttpHeaders } from "node:http";
import { expect, test } from "vitest";
import { systemClock } from "../../base/clock.ts";
import type { Call } from "../call.ts";
import { attributesOf } from "./object-attributes.ts";
import { objectHeaders } from "./object-headers.ts";

function callOf(headers: IncomingHttpHeaders): Call {
  const target = { bucket: "b", key: "k", query: new Map(), canonicalPath: "/b/k", path: "/b/k" };
  const identity = { id: "user", displayName: "User" };
  const unused = () => {
    throw new Error("not used");
  };
  return {
    headers,
    identity,
    target,
    region: "us-east-1",
    clock: systemClock,
    bucket: { name: "b", id: 1, createdMs: 0, owner: "user", objects: 0, versions: 0, bytes: 0 },
    store: {} as Call["store"],
    permit: unused,
    payload: unused,
  };
}

const own = { owner: "user" };
const wire = (text: string) => Buffer.from(text, "utf8").toString("latin1");

test("what comes in goes out, byte for byte", () => {
  const headers = {
    "content-type": wire("text/plain; name=é"),
    "content-encoding": "aws-chunked, gzip",
    "cache-control": "no-cache",
    "x-amz-meta-colour": wire("grün €"),
    "x-amz-website-redirect-location": "/other",
  };
  const attributes = attributesOf(callOf(headers), own);
  expect(attributes).toEqual({
    owner: "user",
    contentType: "text/plain; name=é",
    headers: {
      "cache-control": "no-cache",
      "content-encoding": "gzip",
      "x-amz-website-redirect-location": "/other",
    },
    userMetadata: { colour: "grün €" },
  });
  const object = {
    key: "k",
    version: "null",
    modifiedMs: 0,
    lengthBytes: 0,
    deleteMarker: false,
    attributes: { ...attributes, etag: "e" },
  };
  expect(objectHeaders(callOf({}), object, undefined)).toEqual({
    ETag: '"e"',
    "Last-Modified": "Thu, 01 Jan 1970 00:00:00 GMT",
    "Accept-Ranges": "bytes",
    "Content-Type": headers["content-type"],
    "Cache-Control": "no-cache",
    "Content-Encoding": "gzip",
    "x-amz-website-redirect-location": "/other",
    "x-amz-meta-colour": headers["x-amz-meta-colour"],
  });
});

test("an encoding that is only the frame of the body is none", () => {
  expect(attributesOf(callOf({ "content-encoding": "aws-chunked" }), own).headers).toBeUndefined();
});

test("metadata may be called like what all objects have, but for the one name that no row can hold", () => {
  const meta = (name: string) => callOf(JSON.parse(`{"x-amz-meta-${name}":"x"}`));
  for (const name of ["constructor", "__proto_", "tostring"])
    expect(attributesOf(meta(name), own).userMetadata).toEqual({ [name]: "x" });
  expect(() => attributesOf(meta("__proto__"), own)).toThrow(/cannot be kept/);
});

test.each<[IncomingHttpHeaders, string]>([
  [{ "x-amz-meta-a": "\xff" }, "InvalidArgument"],
  [{ "content-type": "\xe9" }, "InvalidArgument"],
  [{ "x-amz-meta-a": "x".repeat(2049) }, "MetadataTooLarge"],
  [{ "x-amz-storage-class": "glacier" }, "InvalidStorageClass"],
  [{ "x-amz-tagging": "a=1&a=2" }, "InvalidTag"],
  [{ "x-amz-tagging": "=1" }, "InvalidTag"],
  [{ "x-amz-tagging": `${"k".repeat(129)}=1` }, "InvalidTag"],
  [{ "x-amz-tagging": `k=${"v".repeat(257)}` }, "InvalidTag"],
])("%j is refused", (headers, code) => {
  expect(() => attributesOf(callOf(headers), own)).toThrow(expect.objectContaining({ code }));
});
