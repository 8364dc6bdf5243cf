/** Keys of every byte and shape against a real server: each is a name of its own, and never anything else. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort, type ServerProcess, startServer } from "../server-process.ts";
import { BUCKET, Stored } from "./stored.ts";
import { codeOf, type Wire, wireTo } from "./wire.ts";

const stored = new Stored();
let folder: string;
let server: ServerProcess;
let send: Wire["send"];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "quarry-keys-"));
  const port = await freePort();
  const args = ["--single-process", "--durability", "none"];
  server = await startServer({ data: folder, port, args });
  await stored.some(server.client);
  ({ send } = wireTo(port));
});
afterAll(async () => {
  await stored.check(server.client);
  await server.kill();
  await rm(folder, { recursive: true });
});

describe("keys", () => {
  const encode = (key: string) =>
    [...Buffer.from(key)]
      .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`)
      .join("");
  /** As signatures spell it. */
  const spelled = (key: string) =>
    encode(key).replace(
      /%(2D|2E|2F|3[0-9]|4[1-9A-F]|5[0-9A]|5F|6[1-9A-F]|7[0-9A]|7E)/g,
      (spelling) => decodeURIComponent(spelling),
    );
  const everyByte = [
    ...Array.from({ length: 0x80 }, (_, byte) => `ascii ${String.fromCharCode(byte)}.`),
    // Every second byte from 80 to BF, every first byte from C2 to F4.
    ...Array.from({ length: 0x40 }, (_, low) => `two \u0080${String.fromCharCode(0x80 + low)}`),
    ...Array.from({ length: 0x1e }, (_, high) => `first ${String.fromCharCode((high + 2) << 6)}`),
    ...Array.from(
      { length: 0x0f },
      (_, high) => `three ${String.fromCharCode(0x0800 + high * 0x0f00)}`,
    ),
    ...Array.from(
      { length: 5 },
      (_, high) => `four ${String.fromCodePoint(0x10000 + high * 0x38000)}`,
    ),
  ].filter((key) => !/[\ud800-\udfff]/.test(key) || /four/.test(key));
  const odd = [
    "..",
    "../..",
    "./x",
    "a/../b",
    "a//b",
    "/a",
    "//",
    "a/",
    "%2F",
    "%252F",
    "a%2Fb",
    "a+b",
    "a b",
    " ",
    "?x=1",
    "#x",
    "a\\b",
    "\u0301e",
    "\u00e9",
    "e\u0301",
  ];

  test("every byte of UTF-8, dots, slashes and percent signs: stored, got, listed, removed", async () => {
    const keys = [...everyByte, ...odd].map((key) => `odd/${key}`);
    expect(new Set(keys).size).toBe(keys.length);
    for (const key of keys) {
      const url = `/${BUCKET}/${spelled(key)}`;
      expect(codeOf(await send("PUT", url, { body: key })), JSON.stringify(key)).toBe("200");
      const got = await send("GET", url);
      expect(got.slice(got.indexOf("\r\n\r\n") + 4)).toBe(Buffer.from(key).toString("latin1"));
    }
    const listed = await send("GET", `/${BUCKET}?encoding-type=url&list-type=2&prefix=odd%2F`);
    const found = [...listed.matchAll(/<Key>(.*?)<\/Key>/g)].map(([, key = ""]) =>
      decodeURIComponent(key.replaceAll("+", " ")),
    );
    const inOrder = [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect(found).toEqual(inOrder);
    for (const key of keys)
      expect(codeOf(await send("DELETE", `/${BUCKET}/${spelled(key)}`))).toBe("204");
    expect(await send("GET", `/${BUCKET}?list-type=2&prefix=odd%2F`)).toContain("<KeyCount>0<");
  }, 120_000);

  test.each(["x".repeat(1024), "\u20ac".repeat(341), "/".repeat(1024)])(
    "%# a key of 1024 bytes, and one more",
    async (key) => {
      const url = `/${BUCKET}/${spelled(key)}`;
      expect(codeOf(await send("PUT", url, { body: "long" }))).toBe("200");
      expect(await send("GET", url)).toMatch(/\r\n\r\nlong$/);
      for (const method of ["PUT", "GET", "DELETE"])
        expect(codeOf(await send(method, `${url}xx`))).toBe("KeyTooLongError");
      expect(codeOf(await send("DELETE", url))).toBe("204");
    },
  );

  test("bytes that are no UTF-8, escapes that are none", async () => {
    for (const path of ["%ff", "%C3", "%ED%A0%80", "%F4%90%80%80", "%C0%AF", "%zz", "%"])
      for (const method of ["PUT", "GET"])
        expect(codeOf(await send(method, `/${BUCKET}/${path}`)), path).toBe("InvalidURI");
  });
});
