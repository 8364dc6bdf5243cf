/** Published traversals in other S3 servers, tried on this one: a key is never a path. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openClient } from "../../client/open-servers.ts";
import { other } from "../gateway-running.ts";
import { attacked, codeOf } from "./attacked.ts";

const ways = [
  "/bucket/../strangers/secret",
  "/bucket/..%2Fstrangers%2Fsecret",
  "/bucket/%2e%2e/strangers/secret",
  "/bucket/x/../../strangers/secret",
  "/bucket//strangers/secret",
  "/bucket/%2Fstrangers%2Fsecret",
];

test("CVE-2026-54917: .. in the path of a request leads into the bucket of another", async () => {
  const on = await attacked();
  for (const way of ways) {
    expect(codeOf(await on.send("GET", way)), way).toBe("NoSuchKey");
    expect(codeOf(await on.send("PUT", way, { body: "mine" })), way).toBe("200");
    expect(await on.send("GET", way)).toMatch(/\r\n\r\nmine$/);
    expect(codeOf(await on.send("DELETE", way))).toBe("204");
  }
  for (const way of [
    "/../strangers/secret",
    "/./strangers/secret",
    "/bucket%2F..%2Fstrangers/secret",
  ])
    for (const method of ["GET", "PUT", "DELETE"])
      expect(await on.send(method, way), way).toMatch(/^HTTP\/1.1 40[034]/);
  const secret = await on.send("GET", "/strangers/secret", { as: other });
  expect(secret).toMatch(/\r\n\r\nthe stranger's secret$/);
  expect(await on.keys("strangers")).toEqual(["secret"]);
});

test("CVE-2026-55874: .. in the source of a copy leads into the bucket of another", async () => {
  const on = await attacked();
  const sources = [
    ...ways,
    ...ways.map((way) => way.slice(1)),
    "/bucket%2F..%2Fstrangers%2Fsecret",
  ];
  for (const source of sources) {
    const headers = { "x-amz-copy-source": source };
    const answer = await on.send("PUT", "/bucket/copy", { headers });
    expect(codeOf(answer), source).toMatch(/^(NoSuchKey|NoSuchBucket|InvalidArgument)$/);
  }
  expect(await on.keys("bucket")).toEqual([]);
});

test("CVE-2026-42882: who may is judged on another spelling of the path than what is done", async () => {
  const on = await attacked();
  for (const way of [
    "/strangers%2Fsecret",
    "/strangers%2F/secret",
    "/bucket%2f..%2fstrangers/secret",
    "/%73trangers/secret",
    "/strangers//secret",
    "/strangers/%73ecret",
  ])
    for (const method of ["GET", "PUT", "DELETE"])
      expect(codeOf(await on.send(method, way)), way).toMatch(
        /^(AccessDenied|NoSuchBucket|InvalidBucketName)$/,
      );
  // One key, however it is spelled; another key, where a slash stands twice.
  expect(codeOf(await on.send("PUT", "/bucket/a%2Fb", { body: "ab" }))).toBe("200");
  expect(await on.send("GET", "/bucket/a/b")).toMatch(/\r\n\r\nab$/);
  expect(codeOf(await on.send("GET", "/bucket/a//b"))).toBe("NoSuchKey");
  expect(await on.keys("bucket")).toEqual(["a/b"]);
  expect(await on.keys("strangers")).toEqual(["secret"]);
});

test("CVE-2022-35919: a name that a request brings is opened as a file", async () => {
  const folder = await mkdtemp(join(tmpdir(), "quarry-cve-"));
  const data = join(folder, "deep", "data");
  try {
    await using store = await openClient({ directories: [data], durability: "none" });
    const { names } = store;
    await names.execute({ type: "createBucket", bucket: "bucket", owner: "user-1" });
    const keys = [
      "../escaped",
      "../../../escaped",
      join(folder, "escaped"),
      "a/../../../../escaped",
    ];
    for (const key of keys) {
      const bytes = (async function* () {
        yield Buffer.from("x");
      })();
      await store.put({ bucket: "bucket", key }, { bytes }, () => ({ etag: "x" }));
    }
    const files = await readdir(folder, { recursive: true });
    expect(files.filter((name) => name.includes("escaped"))).toEqual([]);
    expect(files.every((name) => name === "deep" || name.startsWith(join("deep", "data")))).toBe(
      true,
    );
    await expect(store.open({ bucket: "bucket", key: "/etc/passwd" })).rejects.toThrow();
  } finally {
    await rm(folder, { recursive: true });
  }
});
