/** Published holes in the copying of other S3 servers, tried on this one. */
import { expect, test } from "vitest";
import { other, user } from "../gateway-running.ts";
import { presignUrl } from "../sign-request.ts";
import { attacked, codeOf } from "./attacked.ts";

test("CVE-2026-39360: a part is copied from an object that the caller may not read", async () => {
  const on = await attacked();
  const begun = await on.send("POST", "/bucket/loot?uploads=");
  const upload = /<UploadId>(.*)<\/UploadId>/.exec(begun)?.[1] ?? "";
  const part = `/bucket/loot?partNumber=1&uploadId=${encodeURIComponent(upload)}`;
  for (const source of [
    "/strangers/secret",
    "strangers/secret",
    "strangers/nothing",
    "%2Fstrangers%2Fsecret",
    "strangers/secret?versionId=null",
  ])
    for (const more of [
      {},
      { "x-amz-copy-source-range": "bytes=0-3" },
      { "x-amz-copy-source-if-match": "*" },
      { "x-amz-copy-source-if-none-match": "*" },
    ]) {
      const headers = { "x-amz-copy-source": source, ...more };
      expect(codeOf(await on.send("PUT", part, { headers })), source).toBe("AccessDenied");
      expect(codeOf(await on.send("PUT", "/bucket/loot", { headers })), source).toBe(
        "AccessDenied",
      );
    }
  const query = { partNumber: "1", uploadId: upload, "x-amz-copy-source": "/strangers/secret" };
  const url = presignUrl(user, "PUT", "/bucket/loot", query, { host: on.gateway.host }, Date.now());
  expect(codeOf(await on.raw("PUT", url, { "content-length": "0" }))).toBe("AccessDenied");
  expect(await on.send("GET", `/bucket/loot?uploadId=${upload}`)).not.toContain("<Part>");
  expect(await on.keys("bucket")).toEqual([]);
  // Who may read it may not put it where they may not write.
  const headers = { "x-amz-copy-source": "/strangers/secret" };
  expect(codeOf(await on.send("PUT", part, { as: other, headers }))).toBe("AccessDenied");
  expect(codeOf(await on.send("PUT", "/bucket/loot", { as: other, headers }))).toBe("AccessDenied");
  expect(codeOf(await on.send("PUT", "/strangers/copy", { as: other, headers }))).toBe("200");
});
