import { describe, expect, test } from "vitest";
import { seededRandom } from "../base/random.ts";
import { AwsChunkedDecoder, type ChunkChecks } from "./aws-chunked.ts";
import { S3Error } from "./s3/errors.ts";

function decode(pieces: readonly Uint8Array[], trailer = true, checks?: ChunkChecks) {
  const decoder = new AwsChunkedDecoder(trailer, checks);
  const out: Uint8Array[] = [];
  for (const piece of pieces) decoder.feed(piece, out);
  decoder.finish();
  return { bytes: Buffer.concat(out), trailers: decoder.trailers };
}

function encode(chunks: readonly Buffer[], trailers = ""): Buffer {
  const parts = [...chunks, Buffer.alloc(0)].flatMap((chunk) =>
    chunk.length === 0
      ? [Buffer.from("0\r\n")]
      : [Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from("\r\n")],
  );
  return Buffer.concat([...parts, Buffer.from(`${trailers}\r\n`)]);
}

function split(bytes: Buffer, cut: () => number): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const next = at + 1 + (cut() % 40);
    pieces.push(bytes.subarray(at, next));
    at = next;
  }
  return pieces;
}

describe("the chunked body", () => {
  test("an empty one", () => {
    expect(decode([Buffer.from("0\r\n\r\n")]).bytes.length).toBe(0);
  });

  test("payload is passed as views, not copied", () => {
    const whole = encode([Buffer.from("hello")]);
    const decoder = new AwsChunkedDecoder(false, undefined);
    const out: Uint8Array[] = [];
    decoder.feed(whole, out);
    expect(out[0]?.buffer).toBe(whole.buffer);
  });

  test("trailers, with their names in lower case", () => {
    const { trailers } = decode([encode([Buffer.from("x")], "X-Amz-Checksum-CRC32: AAAAAA==\r\n")]);
    expect([...trailers]).toEqual([["x-amz-checksum-crc32", "AAAAAA=="]]);
  });

  test("any split gives the same bytes", () => {
    const random = seededRandom(7);
    for (let round = 0; round < 300; round++) {
      const chunks = Array.from({ length: random.u32() % 5 }, () =>
        random.bytes(1 + (random.u32() % 300)),
      );
      const whole = encode(chunks, "x-amz-checksum-crc32:AAAAAA==\r\n");
      const { bytes, trailers } = decode(split(whole, random.u32));
      expect(bytes.equals(Buffer.concat(chunks))).toBe(true);
      expect(trailers.size).toBe(1);
    }
  });

  test("a changed frame is refused or gives bytes of the same length, and never breaks", () => {
    const random = seededRandom(11);
    let refused = 0;
    for (let round = 0; round < 2000; round++) {
      const chunks = Array.from({ length: 3 }, () => random.bytes(1 + (random.u32() % 50)));
      const whole = encode(chunks, "x-amz-checksum-crc32:AAAAAA==\r\n");
      whole[random.u32() % whole.length] = random.u32() & 255;
      try {
        decode(split(whole, random.u32));
      } catch (error) {
        expect(error).toBeInstanceOf(S3Error);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(200);
  });

  test("every cut-off body is incomplete", () => {
    const whole = encode([Buffer.from("hello"), Buffer.from("world")], "a:b\r\n");
    for (let end = 0; end < whole.length; end++)
      expect(() => decode([whole.subarray(0, end)]), `${end}`).toThrow(S3Error);
    expect(decode([whole]).bytes.toString()).toBe("helloworld");
  });

  test.each([
    ["bytes behind the end", "0\r\n\r\nx"],
    ["a length that is no hex", "5g\r\nhello\r\n0\r\n\r\n"],
    ["a negative length", "-5\r\nhello\r\n0\r\n\r\n"],
    ["an empty length", "\r\n\r\n"],
    ["a length beyond reason", "fffffffffffffffff\r\n"],
    ["a bare line feed behind the length", "5\nhello\r\n0\r\n\r\n"],
    ["no line end behind the data", "5\r\nhello0\r\n\r\n"],
    ["a trailer without a name", "0\r\n:x\r\n\r\n"],
    ["a trailer that stands twice", "0\r\na:1\r\na:2\r\n\r\n"],
    ["a line without end", "a".repeat(5000)],
    [
      "trailers without end",
      `0\r\n${Array.from({ length: 40 }, (_, i) => `t${i}:x\r\n`).join("")}\r\n`,
    ],
  ])("%s is refused", (_, text) => {
    expect(() => decode([Buffer.from(text)])).toThrow(S3Error);
  });

  test("a trailer that was not announced is refused", () => {
    expect(() => decode([Buffer.from("0\r\na:1\r\n\r\n")], false)).toThrow(S3Error);
  });

  test("a body whose chunks must be signed has a signature on each, and on the trailer", () => {
    const seen: string[] = [];
    const checks: ChunkChecks = {
      begin: (signature) => seen.push(`begin ${signature}`),
      update: (data) => seen.push(`data ${data.length}`),
      end: () => seen.push("end"),
      trailer: (canonical, signature) => seen.push(`trailer ${canonical.trim()} ${signature}`),
    };
    const body =
      "2;chunk-signature=aa\r\nhi\r\n0;chunk-signature=bb\r\na: b\r\nx-amz-trailer-signature:cc\r\n\r\n";
    decode([Buffer.from(body)], true, checks);
    expect(seen).toEqual(["begin aa", "data 2", "end", "begin bb", "end", "trailer a:b cc"]);
    expect(() => decode([Buffer.from("2\r\nhi\r\n0\r\n\r\n")], false, checks)).toThrow(S3Error);
    const unsignedTrailer = "0;chunk-signature=bb\r\na: b\r\n\r\n";
    expect(() => decode([Buffer.from(unsignedTrailer)], true, checks)).toThrow(S3Error);
  });
});
