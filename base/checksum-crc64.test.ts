import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { crc32, crc32c } from "./checksum.ts";
import {
  type CrcField,
  combineCrc,
  crc32cField,
  crc32Field,
  crc64Field,
} from "./checksum-combine.ts";
import { Crc64Nvme } from "./checksum-crc64.ts";
import { seededRandom } from "./random.ts";

interface Vector {
  readonly name: string;
  readonly input: string;
  readonly crc32: string;
  readonly crc32c: string;
  readonly crc64nvme: string;
}

const path = join(import.meta.dirname, "../test/vectors/crc/crc.json");
const { vectors } = JSON.parse(readFileSync(path, "utf8")) as { vectors: Vector[] };

function inputOf(text: string): Buffer {
  const [kind = "", ...rest] = text.split(":");
  const value = rest.join(":");
  const filled = (byteAt: (i: number, length: number) => number) => {
    const length = Number(value);
    return Buffer.from(Array.from({ length }, (_, i) => byteAt(i, length) & 255));
  };
  switch (kind) {
    case "text":
      return Buffer.from(value, "utf8");
    case "hex":
      return Buffer.from(value, "hex");
    case "zeros":
      return filled(() => 0);
    case "ff":
      return filled(() => 255);
    case "inc":
      return filled((i) => i);
    case "dec":
      return filled((i, length) => length - 1 - i);
    case "lcg": {
      const [seed = 0, length = 0] = rest.map(Number);
      const out = Buffer.alloc(length);
      let state = seed >>> 0;
      for (let i = 0; i < length; i++) {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        out[i] = state >>> 24;
      }
      return out;
    }
    default:
      throw new Error(`unknown input ${text}`);
  }
}

function crc64(...parts: Uint8Array[]): Buffer {
  const crc = new Crc64Nvme();
  for (const part of parts) crc.update(part);
  return crc.digest();
}

function bytesOf(value: number): Buffer {
  const out = Buffer.alloc(4);
  out.writeUInt32BE(value >>> 0);
  return out;
}

describe("vectors", () => {
  test("there are some", () => expect(vectors.length).toBeGreaterThan(5));

  test.each(vectors)("$name", (vector) => {
    const input = inputOf(vector.input);
    expect(crc64(input).toString("hex")).toBe(vector.crc64nvme);
    expect(bytesOf(crc32(input)).toString("hex")).toBe(vector.crc32);
    expect(bytesOf(crc32c(input)).toString("hex")).toBe(vector.crc32c);
  });
});

test("any split gives the same CRC", () => {
  const random = seededRandom(2);
  for (let round = 0; round < 100; round++) {
    const bytes = random.bytes(random.u32() % 200);
    const at = random.u32() % (bytes.length + 1);
    expect(crc64(bytes.subarray(0, at), bytes.subarray(at))).toEqual(crc64(bytes));
  }
});

test.each<[string, CrcField, (bytes: Uint8Array) => Buffer]>([
  ["CRC32", crc32Field, (bytes) => bytesOf(crc32(bytes))],
  ["CRC32C", crc32cField, (bytes) => bytesOf(crc32c(bytes))],
  ["CRC64NVME", crc64Field, (bytes) => crc64(bytes)],
])("%s of a whole comes from those of its parts", (_, field, crc) => {
  const random = seededRandom(4);
  for (let round = 0; round < 30; round++) {
    const first = random.bytes(random.u32() % 5000);
    const second = random.bytes(random.u32() % 5000);
    const combined = combineCrc(field, crc(first), crc(second), second.length);
    expect(combined).toEqual(crc(Buffer.concat([first, second])));
  }
  expect(combineCrc(field, field.zero, crc(Buffer.from("abc")), 3)).toEqual(
    crc(Buffer.from("abc")),
  );
});
