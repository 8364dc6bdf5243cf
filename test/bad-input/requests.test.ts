/** Hostile and broken requests on raw sockets of a real server: each its code, and nothing stored is lost. */
import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { limits } from "../../base/limits.ts";
import { freePort, type ServerProcess, startServer } from "../server-process.ts";
import { BUCKET, Stored } from "./stored.ts";
import { codeOf, type Wire, wireTo } from "./wire.ts";

const stored = new Stored();
let folder: string;
let port: number;
let server: ServerProcess;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "quarry-requests-"));
  port = await freePort();
  server = await startServer({ data: folder, port, args: ["--single-process"] });
  await stored.some(server.client);
});
// Whatever was sent before: all is there, the process is the same, and a kill loses nothing either.
afterAll(async () => {
  expect(server.running()).toBe(true);
  expect(server.output()).not.toMatch(/"level":(50|60)|request failed/);
  await stored.check(server.client);
  await server.kill();
  await using again = await startServer({ data: folder, port, args: ["--single-process"] });
  await stored.check(again.client);
  await again.kill();
  await rm(folder, { recursive: true });
});

const raw: Wire["raw"] = (parts, vanish) => wireTo(port).raw(parts, vanish);
const head: Wire["head"] = (method, url, sent) => wireTo(port).head(method, url, sent);
const send: Wire["send"] = (method, url, sent) => wireTo(port).send(method, url, sent);
const md5 = (text: string | Buffer) => createHash("md5").update(text).digest("base64");

describe("XML", () => {
  const MiB = 2 ** 20;
  const close = (text: string, name: string) => `<${name}>${text}</${name}>`;
  const pad = (text: string, length: number) =>
    text.replace("$", " ".repeat(length - text.length + 1));

  test.each<[string, string, string]>([
    ["a DTD", '<!DOCTYPE Delete SYSTEM "http://127.0.0.1/x.dtd"><Delete/>', "MalformedXML"],
    [
      "an entity that is a file",
      '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]><Delete><Object><Key>&x;</Key></Object></Delete>',
      "MalformedXML",
    ],
    [
      "a bomb of entities",
      `<!DOCTYPE d [<!ENTITY a "${"a".repeat(1000)}">${"bcdefg"
        .split("")
        .map((name, i) => `<!ENTITY ${name} "${`&${"abcdefg"[i]};`.repeat(10)}">`)
        .join("")}]><Delete><Object><Key>&g;</Key></Object></Delete>`,
      "MalformedXML",
    ],
    ["2 MiB of depth", "<a>".repeat((2 * MiB) / 3), "MalformedXML"],
    ["2 MiB of one tag", `<Delete ${"a".repeat(2 * MiB - 20)}`, "MalformedXML"],
    ["2 MiB of ampersands", close("&".repeat(2 * MiB - 20), "Delete"), "MalformedXML"],
    ["2 MiB of references", close("&amp;".repeat((2 * MiB - 20) / 5), "Delete"), "MalformedXML"],
    ["2 MiB of attributes", `<Delete ${"a='b' ".repeat((2 * MiB - 40) / 6)}/>`, "MalformedXML"],
    [
      "too many objects",
      close("<Object><Key>k</Key></Object>".repeat(limits.listKeys + 1), "Delete"),
      "MalformedXML",
    ],
    ["2 MiB and one byte", pad("<Delete>$</Delete>", 2 * MiB + 1), "MaxMessageLengthExceeded"],
  ])("%s", async (_, body, code) => {
    const sent = { body, headers: { "content-md5": md5(body) } };
    expect(codeOf(await send("POST", `/${BUCKET}?delete=`, sent))).toBe(code);
    expect(codeOf(await send("PUT", "/another", sent))).toMatch(/^4|MalformedXML|MaxMessage/);
  });

  test("2 MiB that say little are read", async () => {
    const body = pad("<Delete><Object><Key>not there</Key></Object>$</Delete>", 2 * MiB);
    const sent = { body, headers: { "content-md5": md5(body) } };
    expect(codeOf(await send("POST", `/${BUCKET}?delete=`, sent))).toBe("200");
  });
});

describe("heads", () => {
  test.each([16_384, 17_000, 100_000, 2 ** 20])("%i bytes of headers", async (length) => {
    const answer = await send("GET", `/${BUCKET}/kept/1`, {
      headers: { "x-big": "x".repeat(length) },
    });
    expect(codeOf(answer)).toBe("RequestHeaderSectionTooLarge");
    expect(answer).toMatch(/^HTTP\/1.1 431/);
  });

  test("many small headers that are too large together", async () => {
    const headers = Object.fromEntries(
      Array.from({ length: 2000 }, (_, i) => [`x-${i}`, "12345678"]),
    );
    expect(codeOf(await send("GET", `/${BUCKET}/kept/1`, { headers }))).toMatch(
      /^(RequestHeaderSectionTooLarge|SignatureDoesNotMatch)$/,
    );
  });

  test("no Host, which Node would refuse without a request id", async () => {
    const answer = await raw([`GET /${BUCKET} HTTP/1.1\r\nconnection: close\r\n\r\n`]);
    expect(codeOf(answer)).toBe("BadRequest");
    expect(answer).toMatch(/x-amz-request-id: [0-9A-F]{16}/);
  });

  test("an expectation that nobody knows, which Node would refuse without a request id", async () => {
    const headers = { expect: "a miracle" };
    const answer = await send("GET", `/${BUCKET}/kept/1`, { headers });
    expect(answer).toMatch(/HTTP\/1.1 200 OK[\s\S]*x-amz-request-id: [0-9A-F]{16}/);
  });

  test.each([-20, 20])("a clock that is %i minutes off", async (minutes) => {
    const answer = await send("GET", `/${BUCKET}/kept/1`, { nowMs: Date.now() + minutes * 60_000 });
    expect(codeOf(answer)).toBe("RequestTimeTooSkewed");
    expect(answer).toContain("<ServerTime>");
  });

  test("a clock that is 10 minutes off", async () => {
    const nowMs = Date.now() - 600_000;
    expect(codeOf(await send("GET", `/${BUCKET}/kept/1`, { nowMs }))).toBe("200");
  });
});

describe("bodies", () => {
  const url = `/${BUCKET}/bad`;
  const absent = async () => expect(codeOf(await send("GET", url))).toBe("NoSuchKey");

  test.each<[string, Record<string, string>, string]>([
    ["a wrong Content-MD5", { "content-md5": md5("other") }, "BadDigest"],
    ["a Content-MD5 that is none", { "content-md5": "no" }, "InvalidDigest"],
    ["a wrong CRC32", { "x-amz-checksum-crc32": "AAAAAA==" }, "BadDigest"],
    ["a wrong CRC32C", { "x-amz-checksum-crc32c": "AAAAAA==" }, "BadDigest"],
    ["a wrong CRC64NVME", { "x-amz-checksum-crc64nvme": "AAAAAAAAAAA=" }, "BadDigest"],
    ["a wrong SHA1", { "x-amz-checksum-sha1": Buffer.alloc(20).toString("base64") }, "BadDigest"],
    [
      "a wrong SHA256",
      { "x-amz-checksum-sha256": Buffer.alloc(32).toString("base64") },
      "BadDigest",
    ],
  ])("%s", async (_, headers, code) => {
    expect(codeOf(await send("PUT", url, { headers, body: Buffer.alloc(100_000, 7) }))).toBe(code);
    await absent();
  });

  test("shorter than announced, then the end", async () => {
    const answer = await new Promise<string>((resolve) => {
      const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
      let got = "";
      socket.on("data", (data) => {
        got += data.toString("latin1");
      });
      socket.on("error", () => undefined);
      socket.on("close", () => resolve(got));
      socket.write(
        head("PUT", url, { headers: { "content-length": "1000" }, hash: "UNSIGNED-PAYLOAD" }),
      );
      socket.end("half");
      socket.on("end", () => socket.destroy());
    });
    expect(answer).not.toMatch(/^HTTP\/1.1 2/);
    await absent();
  });

  test("longer than announced: the rest is a bad request of its own", async () => {
    const sent = { body: "hello", headers: { connection: "keep-alive" } };
    const answer = await raw([head("PUT", `/${BUCKET}/overlong`, sent), "hello and more\r\n\r\n"]);
    expect(answer).toMatch(/HTTP\/1.1 400[\s\S]*<Code>BadRequest/);
  });

  test("20 clients that vanish at any place", async () => {
    const body = Buffer.alloc(400_000, 1);
    const whole = Buffer.concat([Buffer.from(head("PUT", url, { body })), body]);
    const some = Array.from({ length: 20 }, (_, i) =>
      whole.subarray(0, Math.floor((whole.length * i) / 20)),
    );
    await Promise.all(some.map((part) => raw([part], true)));
    await absent();
  });
});
