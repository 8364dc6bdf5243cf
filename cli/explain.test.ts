import { expect, test } from "vitest";
import { QuarryError } from "../base/errors.ts";
import { exitCodeOf, exitCodes } from "./exit-code.ts";
import { explain } from "./explain.ts";

const system = (fields: object) => Object.assign(new Error("raw words"), fields);

test.each<[Error, RegExp]>([
  [system({ code: "EROFS", path: "/d/lock.json" }), /^\/d\/lock.json .* read-only/],
  [system({ code: "ENOENT", syscall: "mkdir", path: "/ro/x" }), /folder \/ro\/x cannot be made/],
  [system({ code: "ENOTDIR", path: "/d/file" }), /^\/d\/file: a file is where a folder/],
  [system({ code: "EISDIR", path: "/d/x.part", dest: "/d/x" }), /^\/d\/x: /],
  [system({ code: "EADDRNOTAVAIL", address: "8.8.8.8", port: 9000 }), /8\.8\.8\.8.*--host/],
  [system({ code: "ENOTFOUND", hostname: "nohost" }), /nohost/],
  [system({ code: "ERR_INVALID_URL", input: "nonsense" }), /nonsense is no address/],
  [new QuarryError("NoSuchBucket", "there is no bucket a"), /no bucket a; .*quarry mb/],
  [system({ code: "EPROTO" }), /http:\/\//],
  [system({ code: "ENAMETOOLONG", path: "/d/aaa" }), /longer than this disk takes/],
  [system({ code: "ECONNREFUSED", errors: [{ address: "::1", port: 9 }] }), /at ::1:9\./],
  [
    system({ name: "QuotaExceeded", message: "no more", $metadata: { httpStatusCode: 403 } }),
    /^no more$/,
  ],
  [
    system({ name: "UnknownError", message: "UnknownError", $metadata: { httpStatusCode: 403 } }),
    /secret key is wrong/,
  ],
  [
    system({ message: "@aws-sdk XML parse error: raw words", $response: { statusCode: 404 } }),
    /no S3 store \(it said 404/,
  ],
  [system({ code: "DEPTH_ZERO_SELF_SIGNED_CERT" }), /NODE_EXTRA_CA_CERTS/],
  [system({ name: "BucketNotEmpty" }), /`quarry rb --force`/],
  [system({ name: "AuthorizationHeaderMalformed", Region: "moon" }), /--region moon,/],
  [system({ name: "AuthorizationHeaderMalformed" }), /--region \(Auth/],
  [system({ name: "InvalidBucketName" }), /3 to 63 .*InvalidBucketName/],
  [
    new Error("Database failed to open", {
      cause: new Error("IO error: /d/000004.log: No space left on device"),
    }),
    /Database failed to open: no space left on this disk/,
  ],
  [
    new SuppressedError(new Error("raw words"), new QuarryError("DiskFull", "no room is left")),
    /^no room is left$/,
  ],
])("%s is told in words that say what to do", (error, words) => {
  expect(explain(error)).toMatch(words);
  expect(explain(error)).not.toContain("raw words");
});

test("a full disk has its exit code also where LevelDB tells of it", () => {
  const cause = new Error("IO error: /data/000005.ldb: No space left on device");
  expect(exitCodeOf(new Error("Database is not open", { cause }))).toBe(exitCodes.disk);
  expect(exitCodeOf(new Error("database or disk is full"))).toBe(exitCodes.disk);
});

test("a store that went away in the middle has the exit code of one that is not reached", () => {
  expect(exitCodeOf(new QuarryError("Unavailable", "connection failed"))).toBe(
    exitCodes.unreachable,
  );
});
