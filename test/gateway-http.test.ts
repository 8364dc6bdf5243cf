/** Bad input over real sockets: each gets its code, and nothing is stored. */
import { createHash } from "node:crypto";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { crc32 } from "../base/checksum.ts";
import type { Store } from "../client/store.ts";
import { headText, type RunningGateway, runGateway, user } from "./gateway-running.ts";
import { memoryStore } from "./memory-store.ts";
import { presignUrl, sha256, signRequest } from "./sign-request.ts";

const EMPTY = sha256("");
const close = { connection: "close" };

let store: Store;
let running: RunningGateway;

beforeAll(async () => {
  store = await memoryStore();
  running = await runGateway(store);
  await store.names.execute({ type: "createBucket", bucket: "bucket", owner: "user-1" });
});
afterAll(async () => await running.gateway.close());

const codeOf = (answer: string) => /<Code>(\w+)<\/Code>/.exec(answer)?.[1] ?? answer.slice(9, 12);

async function exists(key: string): Promise<boolean> {
  const { objects } = await store.names.list({
    bucket: "bucket",
    prefix: key,
    delimiter: "",
    after: "",
    limit: 1,
  });
  return objects.length > 0;
}

/** A signed PUT with the given headers, payload hash and body. */
async function put(
  key: string,
  headers: Record<string, string>,
  hash: string,
  ...body: (string | Uint8Array)[]
): Promise<string> {
  const url = `/bucket/${key}`;
  const signed = running.sign("PUT", url, { ...close, ...headers }, hash);
  return await running.raw(headText("PUT", url, signed.headers), ...body);
}

const base64Md5 = (text: string) => createHash("md5").update(text).digest("base64");
const base64Crc32 = (text: string) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32(Buffer.from(text)));
  return bytes.toString("base64");
};

describe("bodies that are not what the head says", () => {
  const length = { "content-length": "5" };
  const five = sha256("hello");

  test("the right one is stored", async () => {
    const headers = {
      ...length,
      "content-md5": base64Md5("hello"),
      "x-amz-checksum-crc32": base64Crc32("hello"),
    };
    expect(await put("right", headers, five, "hello")).toMatch(/^HTTP\/1.1 200/);
    expect(await exists("right")).toBe(true);
  });

  test.each<[string, Record<string, string>, string, string, string]>([
    ["other bytes than the sha256", length, five, "jello", "XAmzContentSHA256Mismatch"],
    [
      "a wrong Content-MD5",
      { ...length, "content-md5": base64Md5("jello") },
      five,
      "hello",
      "BadDigest",
    ],
    [
      "a Content-MD5 that is none",
      { ...length, "content-md5": "AAAA" },
      five,
      "hello",
      "InvalidDigest",
    ],
    [
      "a wrong CRC32",
      { ...length, "x-amz-checksum-crc32": base64Crc32("jello") },
      five,
      "hello",
      "BadDigest",
    ],
    [
      "a CRC32 that is none",
      { ...length, "x-amz-checksum-crc32": "AA==" },
      five,
      "hello",
      "BadDigest",
    ],
    [
      "two checksums",
      { ...length, "x-amz-checksum-crc32": base64Crc32("hello"), "x-amz-checksum-sha1": "x" },
      five,
      "hello",
      "InvalidRequest",
    ],
    [
      "a checksum that is named but not sent",
      { ...length, "x-amz-sdk-checksum-algorithm": "CRC32" },
      five,
      "hello",
      "InvalidRequest",
    ],
    ["no length", {}, five, "", "MissingContentLength"],
    ["6 GiB", { "content-length": "6442450944" }, "UNSIGNED-PAYLOAD", "x", "EntityTooLarge"],
    ["a hash that is none", length, "hello", "hello", "InvalidArgument"],
    [
      "metadata beyond 2 KiB",
      { ...length, "x-amz-meta-a": "x".repeat(2048) },
      five,
      "hello",
      "MetadataTooLarge",
    ],
    [
      "encryption",
      { ...length, "x-amz-server-side-encryption": "AES256" },
      five,
      "hello",
      "NotImplemented",
    ],
    ["an ACL of no kind", { ...length, "x-amz-acl": "mine" }, five, "hello", "InvalidArgument"],
    [
      "another storage class",
      { ...length, "x-amz-storage-class": "GLACIER" },
      five,
      "hello",
      "InvalidStorageClass",
    ],
    [
      "another bucket owner",
      { ...length, "x-amz-expected-bucket-owner": "someone" },
      five,
      "hello",
      "AccessDenied",
    ],
    [
      "too many tags",
      { ...length, "x-amz-tagging": Array.from({ length: 11 }, (_, i) => `t${i}=v`).join("&") },
      five,
      "hello",
      "BadRequest",
    ],
  ])("%s", async (_, headers, hash, body, code) => {
    expect(codeOf(await put("wrong", headers, hash, body))).toBe(code);
    expect(await exists("wrong")).toBe(false);
  });

  test("a chunked transfer that tells its length by its end only", async () => {
    const send = (key: string, hash: string, body: string) =>
      put(key, { "transfer-encoding": "chunked", ...close }, hash, body);
    const whole = "5\r\nhello\r\n0\r\n\r\n";
    expect(await send("unsaid", "UNSIGNED-PAYLOAD", whole)).toMatch(/^HTTP\/1.1 200/);
    expect(await send("unsaid-signed", sha256("hello"), whole)).toMatch(/^HTTP\/1.1 200/);
    expect(await exists("unsaid-signed")).toBe(true);
    expect(codeOf(await send("wrong", sha256("hellO"), whole))).toBe("XAmzContentSHA256Mismatch");
    expect(codeOf(await send("wrong", "UNSIGNED-PAYLOAD", "5\r\nhello\r\nx\r\n"))).toBe(
      "BadRequest",
    );
    expect(await exists("wrong")).toBe(false);
  });

  test("a client that vanishes in the middle stores nothing", async () => {
    const url = "/bucket/gone";
    const signed = running.sign("PUT", url, { "content-length": "1000" }, "UNSIGNED-PAYLOAD");
    await new Promise<void>((resolve) => {
      const socket = connect(running.port, "127.0.0.1", () => {
        socket.write(headText("PUT", url, signed.headers));
        socket.write("half", () => socket.destroy());
      });
      socket.on("close", () => resolve());
    });
    await expect
      .poll(() => running.logged.some((line) => line.includes("the client went away")))
      .toBe(true);
    expect(await exists("gone")).toBe(false);
  });

  test("bytes behind the body are another request, and a bad one", async () => {
    const url = "/bucket/overlong";
    const signed = running.sign("PUT", url, length, five);
    const answer = await running.raw(headText("PUT", url, signed.headers), "hellohello");
    expect(answer).toMatch(/^HTTP\/1.1 (200|400)/);
    expect(answer).toContain("<Code>BadRequest</Code>");
  });
});

describe("aws-chunked bodies", () => {
  const text = "hello world";
  const headers = {
    "content-encoding": "aws-chunked,gzip",
    "x-amz-decoded-content-length": String(text.length),
  };

  function signedBody(
    key: string,
    change: (lines: string[]) => string[] = (lines) => lines,
    trailer = false,
  ) {
    const url = `/bucket/${key}`;
    const kind = `STREAMING-AWS4-HMAC-SHA256-PAYLOAD${trailer ? "-TRAILER" : ""}`;
    const announced: Record<string, string> = trailer
      ? { "x-amz-trailer": "x-amz-checksum-crc32" }
      : {};
    const lengths = { "transfer-encoding": "chunked", ...close };
    const signed = running.sign("PUT", url, { ...lengths, ...headers, ...announced }, kind);
    let previous = signed.signature;
    const lines: string[] = [];
    for (const chunk of [text.slice(0, 6), text.slice(6), ""]) {
      previous = signed.next("AWS4-HMAC-SHA256-PAYLOAD", `${EMPTY}\n${sha256(chunk)}`, previous);
      lines.push(`${chunk.length.toString(16)};chunk-signature=${previous}`);
      if (chunk !== "") lines.push(chunk);
    }
    if (trailer) {
      const line = `x-amz-checksum-crc32:${base64Crc32(text)}`;
      lines.push(line);
      const signature = signed.next("AWS4-HMAC-SHA256-TRAILER", sha256(`${line}\n`), previous);
      lines.push(`x-amz-trailer-signature:${signature}`);
    }
    const body = `${change(lines).join("\r\n")}\r\n\r\n`;
    const framed = `${Buffer.byteLength(body).toString(16)}\r\n${body}\r\n0\r\n\r\n`;
    return running.raw(headText("PUT", url, signed.headers), framed);
  }

  const flip = (line: number) => (lines: string[]) =>
    lines.map((value, i) =>
      i === line ? value.replace(/.$/, (c) => (c === "0" ? "1" : "0")) : value,
    );

  test("signed chunks are stored without their frame", async () => {
    expect(await signedBody("chunked-ok")).toMatch(/^HTTP\/1.1 200/);
    const { object, read } = await store.open({ bucket: "bucket", key: "chunked-ok", offset: 0 });
    expect(object.attributes.headers).toEqual({ "content-encoding": "gzip" });
    const parts: Uint8Array[] = [];
    for await (const part of read(0, object.lengthBytes)) parts.push(Buffer.from(part));
    expect(Buffer.concat(parts).toString()).toBe(text);
  });

  test("signed chunks and trailer", async () => {
    const answer = await signedBody("trailer-ok", undefined, true);
    expect(answer).toMatch(/^HTTP\/1.1 200/);
    expect(answer.toLowerCase()).toContain(
      `x-amz-checksum-crc32: ${base64Crc32(text).toLowerCase()}`,
    );
  });

  test.each<[string, number]>([
    ["a changed signature of the first chunk", 0],
    ["changed data", 1],
    ["a changed signature of the second chunk", 2],
    ["changed data of the second chunk", 3],
    ["a changed signature of the last chunk", 4],
    ["a changed trailer", 5],
    ["a changed signature of the trailer", 6],
  ])("%s", async (_, line) => {
    const answer = await signedBody("chunked-bad", flip(line), true);
    expect(codeOf(answer)).toBe("SignatureDoesNotMatch");
    expect(await exists("chunked-bad")).toBe(false);
  });

  test("a chunk that is left out, and chunks that change places", async () => {
    const without = (lines: string[]) => lines.filter((_, i) => i > 1);
    expect(codeOf(await signedBody("chunked-bad", without))).toBe("SignatureDoesNotMatch");
    const swapped = ([a = "", b = "", c = "", d = "", ...rest]: string[]) => [c, d, a, b, ...rest];
    expect(codeOf(await signedBody("chunked-bad", swapped))).toBe("SignatureDoesNotMatch");
    const cut = (lines: string[]) => lines.slice(0, 4);
    expect(["IncompleteBody", "SignatureDoesNotMatch"]).toContain(
      codeOf(await signedBody("chunked-bad", cut)),
    );
    expect(await exists("chunked-bad")).toBe(false);
  });

  function unsigned(body: string, more: Record<string, string> = {}) {
    const all = {
      ...headers,
      "x-amz-trailer": "x-amz-checksum-crc32",
      "content-length": String(body.length),
      ...more,
    };
    return put("unsigned", all, "STREAMING-UNSIGNED-PAYLOAD-TRAILER", body);
  }

  test.each<[string, string, Record<string, string>, string]>([
    [
      "a wrong trailer",
      `b\r\n${text}\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n`,
      {},
      "BadDigest",
    ],
    ["no trailer", `b\r\n${text}\r\n0\r\n\r\n`, {}, "MalformedTrailerError"],
    [
      "another trailer",
      `b\r\n${text}\r\n0\r\nx-amz-checksum-sha1:x\r\n\r\n`,
      {},
      "MalformedTrailerError",
    ],
    [
      "a short body",
      `5\r\nhello\r\n0\r\nx-amz-checksum-crc32:${base64Crc32("hello")}\r\n\r\n`,
      {},
      "IncompleteBody",
    ],
    [
      "an overlong body",
      `c\r\n${text}!\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n`,
      {},
      "IncompleteBody",
    ],
    ["no decoded length", "0\r\n\r\n", { "x-amz-decoded-content-length": "x" }, "InvalidArgument"],
  ])("unsigned, %s", async (_, body, more, code) => {
    expect(codeOf(await unsigned(body, more))).toBe(code);
    expect(await exists("unsigned")).toBe(false);
  });

  test("unsigned with the right trailer is stored", async () => {
    const body = `b\r\n${text}\r\n0\r\nx-amz-checksum-crc32:${base64Crc32(text)}\r\n\r\n`;
    expect(await unsigned(body)).toMatch(/^HTTP\/1.1 200/);
  });

  test("nobody's unsigned body is refused", async () => {
    const head = {
      host: running.host,
      ...headers,
      "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
      "x-amz-trailer": "x-amz-checksum-crc32",
      "content-length": "5",
      ...close,
    };
    expect(codeOf(await running.raw(headText("PUT", "/bucket/nobody", head), "0\r\n\r\n"))).toBe(
      "AccessDenied",
    );
    expect(await exists("nobody")).toBe(false);
  });
});

describe("connections", () => {
  test("a refused client that waits for 100 is never told to go on", async () => {
    const head = { host: running.host, "content-length": "5", expect: "100-continue" };
    const answer = await running.raw(headText("PUT", "/bucket/k", head));
    expect(answer).toMatch(/^HTTP\/1.1 403/);
    expect(answer).toMatch(/connection: close/i);
  });

  test("one that is allowed is told to go on", async () => {
    const headers = { "content-length": "5", expect: "100-continue" };
    const answer = await put("continued", headers, sha256("hello"), "hello");
    expect(answer).toMatch(/^HTTP\/1.1 100 Continue\r\n\r\nHTTP\/1.1 200/);
  });

  test("a client that sends on after it was refused hears why", async () => {
    const head = { host: running.host, "content-length": "600000" };
    const answer = await running.raw(headText("PUT", "/bucket/k", head), Buffer.alloc(600_000));
    expect(codeOf(answer)).toBe("AccessDenied");
  });

  test("after a small refused body the connection goes on", async () => {
    const head = headText("PUT", "/bucket/k", { host: running.host, "content-length": "5" });
    const last = headText("GET", "/bucket/k", { host: running.host, ...close });
    const answer = await running.raw(head, "hello", last);
    expect(answer.match(/HTTP\/1.1 403/g)?.length).toBe(2);
  });

  test("huge headers", async () => {
    const head = { host: running.host, "x-big": "x".repeat(20_000) };
    const answer = await running.raw(headText("GET", "/bucket/k", head));
    expect(answer).toMatch(/^HTTP\/1.1 431/);
    expect(codeOf(answer)).toBe("RequestHeaderSectionTooLarge");
    expect(answer).toMatch(/x-amz-request-id: [0-9A-F]{16}/);
  });

  test.each([
    ["no HTTP at all", "hello\r\n\r\n"],
    [
      "two lengths",
      "PUT /b/k HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello",
    ],
    [
      "length and chunks",
      "PUT /b/k HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
    ["a bare line feed", "GET /b/k HTTP/1.1\nhost: x\n\n"],
    ["a header name with a blank", "GET /b/k HTTP/1.1\r\nhost : x\r\n\r\n"],
  ])("%s", async (_, text) => {
    expect(await running.raw(text)).toMatch(/^HTTP\/1.1 400/);
  });

  test.each([
    ["GET", "/bucket/%zz", 400, "InvalidURI"],
    ["GET", "/bucket/%ff", 400, "InvalidURI"],
    ["GET", `/bucket/${"x".repeat(1025)}`, 400, "KeyTooLongError"],
    ["GET", "/bucket/../../etc/passwd", 403, "AccessDenied"],
    ["PROPFIND", "/bucket/k", 403, "AccessDenied"],
    ["OPTIONS", "/bucket/k", 400, "BadRequest"],
    ["GET", "/s3", 404, "NoSuchBucket"],
    ["GET", "/health/live/../../x", 404, "NoSuchBucket"],
  ])("%s %s is answered in S3's way", async (method, url, status, code) => {
    const answer = await running.raw(headText(method, url, { host: running.host, ...close }));
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status}`));
    expect(codeOf(answer)).toBe(code);
    expect(answer).toMatch(/x-amz-request-id: [0-9A-F]{16}/);
    expect(answer).toMatch(/x-amz-id-2: \S+/);
    expect(answer).toContain("<RequestId>");
  });

  test("HEAD errors have no body", async () => {
    const answer = await running.raw(
      headText("HEAD", "/bucket/k", { host: running.host, ...close }),
    );
    expect(answer).toMatch(/^HTTP\/1.1 403[\s\S]*\r\n\r\n$/);
  });
});

describe("presigned URLs", () => {
  const presign = (
    method: string,
    path: string,
    query: Record<string, string> = {},
    nowMs = Date.now(),
  ) => presignUrl(user, method, path, query, { host: running.host }, nowMs);
  const send = (method: string, url: string, headers: Record<string, string> = {}, body = "") =>
    running.raw(headText(method, url, { host: running.host, ...close, ...headers }), body);

  test("PUT with headers in the query, then GET", async () => {
    const query = { "x-amz-meta-colour": "grün", "x-amz-tagging": "a=b" };
    const url = presign("PUT", "/bucket/presigned", query);
    expect(await send("PUT", url, { "content-length": "5" }, "hello")).toMatch(/^HTTP\/1.1 200/);
    const { object } = await store.open({ bucket: "bucket", key: "presigned" });
    expect(object.attributes).toMatchObject({ userMetadata: { colour: "grün" }, tags: { a: "b" } });
    const got = await send("GET", presign("GET", "/bucket/presigned", { "response-expires": "0" }));
    expect(got).toMatch(/\r\nexpires: 0\r\n/i);
    expect(got.endsWith("\r\n\r\nhello")).toBe(true);
  });

  test("a checksum in the query is checked", async () => {
    const query = {
      "x-amz-checksum-crc32": base64Crc32("jello"),
      "x-amz-sdk-checksum-algorithm": "CRC32",
    };
    const url = presign("PUT", "/bucket/presigned-sum", query);
    expect(codeOf(await send("PUT", url, { "content-length": "5" }, "hello"))).toBe("BadDigest");
    expect(await exists("presigned-sum")).toBe(false);
  });

  test.each(["X-Amz-Content-Sha256", "x-amz-content-sha256"])(
    "a hash of the body in the query (%s) is part of what is signed, and checked",
    async (name) => {
      const path = "/bucket/presigned-hash";
      for (const [body, code] of [
        ["hello", "200"],
        ["jello", "XAmzContentSHA256Mismatch"],
      ] as const) {
        const hash = sha256("hello");
        const host = { host: running.host };
        const url = presignUrl(user, "PUT", path, { [name]: hash }, host, Date.now(), 60, hash);
        expect(codeOf(await send("PUT", url, { "content-length": "5" }, body))).toBe(code);
      }
    },
  );

  test("metadata in the query cannot end a header", async () => {
    for (const query of [{ "x-amz-meta-a": "x\r\nset-cookie: y" }, { "x-amz-meta-a\r\nb": "x" }]) {
      const url = presign("PUT", "/bucket/presigned-bad", query as Record<string, string>);
      expect(codeOf(await send("PUT", url, { "content-length": "0" }))).toBe("InvalidArgument");
    }
    expect(await exists("presigned-bad")).toBe(false);
  });

  test("nothing can be added to one", async () => {
    const url = presign("GET", "/bucket/presigned");
    expect(codeOf(await send("GET", `${url}&response-content-type=text/html`))).toBe(
      "SignatureDoesNotMatch",
    );
    expect(codeOf(await send("GET", url, { "x-amz-checksum-mode": "ENABLED" }))).toBe(
      "AccessDenied",
    );
    expect(codeOf(await send("GET", `${url}&X-Amz-Expires=600`))).toBe("InvalidArgument");
    expect(codeOf(await send("DELETE", url))).toBe("SignatureDoesNotMatch");
    expect(
      codeOf(await send("GET", presign("GET", "/bucket/presigned", {}, Date.now() - 61_000))),
    ).toBe("AccessDenied");
  });
});

describe("virtual-host style", () => {
  test("the bucket is in the host", async () => {
    await put("hosted", { "content-length": "5" }, sha256("hello"), "hello");
    const host = { host: `bucket.s3.test:${running.port}` };
    const signed = signRequest(user, "GET", "/hosted", { ...host, ...close }, EMPTY, Date.now());
    expect(await running.raw(headText("GET", "/hosted", signed.headers))).toMatch(/^HTTP\/1.1 200/);
  });

  test("keys may be called like the gateway's own pages there", async () => {
    for (const url of ["/metrics", "/health/live"]) {
      const head = headText("GET", url, { host: "bucket.s3.test", ...close });
      expect(codeOf(await running.raw(head))).toBe("AccessDenied");
    }
  });

  test("a signature for one bucket does not open another", async () => {
    const signed = signRequest(
      user,
      "GET",
      "/hosted",
      { host: "other.s3.test", ...close },
      EMPTY,
      Date.now(),
    );
    const head = headText("GET", "/hosted", { ...signed.headers, host: "bucket.s3.test" });
    expect(codeOf(await running.raw(head))).toBe("SignatureDoesNotMatch");
  });
});

describe("the gateway's own pages", () => {
  test("health and metrics", async () => {
    const page = async (path: string) => {
      const response = await fetch(running.endpoint + path);
      return { status: response.status, text: await response.text() };
    };
    expect(await page("/health/live")).toMatchObject({ status: 200 });
    expect(await page("/health/ready")).toMatchObject({ status: 200 });
    const { text } = await page("/metrics");
    expect(text).toMatch(/quarry_s3_requests_total\{verb="PutObject",status="200"\} \d+/);
    expect(text).toContain("process_cpu_seconds_total");
  });

  test("what was logged holds no secret and no signature", () => {
    expect(running.logged.length).toBeGreaterThan(0);
    const log = running.logged.join("");
    expect(log).not.toContain(user.secretKey);
    expect(log).not.toMatch(/[0-9a-f]{64}/);
    expect(log).not.toMatch(/AWS4-HMAC|Credential=|authorization/i);
  });

  test("closing answers what is under way and takes nothing new", async () => {
    const own = await runGateway(store);
    const url = "/bucket/drained";
    const signed = own.sign("PUT", url, { "content-length": "5" }, sha256("hello"));
    const socket = connect(own.port, "127.0.0.1");
    const answered = new Promise<string>((resolve) => {
      let got = "";
      socket.on("data", (data) => {
        got += data.toString("latin1");
      });
      socket.on("close", () => resolve(got));
    });
    socket.write(`${headText("PUT", url, signed.headers)}he`);
    await expect
      .poll(async () => (await fetch(`${own.endpoint}/metrics`)).text())
      .toMatch(/in_flight 1/);
    const closed = own.gateway.close();
    socket.write("llo");
    expect(await answered).toMatch(/^HTTP\/1.1 200[\s\S]*connection: close/i);
    await closed;
    expect(await exists("drained")).toBe(true);
    await expect(own.raw("GET / HTTP/1.1\r\n\r\n")).rejects.toThrow();
  });
});
