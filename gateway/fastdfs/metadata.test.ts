import { expect, test } from "vitest";
import { seededRandom } from "../../base/random.ts";
import { checkMetadata, formatMetadata, parseMetadata } from "./metadata.ts";

test("comes back sorted, byte for byte, whatever it is written in", () => {
  const random = seededRandom(1);
  const run = (most: number) =>
    Buffer.from([...random.bytes(1 + (random.u32() % most))].map((byte) => (byte < 3 ? 3 : byte)));
  for (let i = 0; i < 300; i++) {
    const records = new Map<string, Buffer>();
    for (let j = 0; j < i % 9; j++) {
      const name = i % 2 === 0 ? run(64) : Buffer.from(`name-${j}-ü`);
      records.set(name.toString("latin1"), Buffer.concat([name, Buffer.from([2]), run(256)]));
    }
    const sorted = [...records.values()].toSorted(Buffer.compare);
    const joined = sorted.flatMap((one, j) => (j === 0 ? [one] : [Buffer.from([1]), one]));
    const bytes = Buffer.concat(joined);
    expect(formatMetadata(parseMetadata(bytes)).equals(bytes)).toBe(true);
  }
});

test("is text where it is UTF-8", () => {
  expect(parseMetadata(Buffer.from("width\x02160\x01名\x02值\x01none\x01empty\x02"))).toEqual({
    ...{ width: "160", 名: "值", empty: "" },
  });
  expect(parseMetadata(Buffer.alloc(0))).toEqual({});
  const gbk = Buffer.from([0xc3, 0xfb, 2, 0xd6, 0xd0]);
  const [[name = "", value = ""] = []] = Object.entries(parseMetadata(gbk));
  expect([name, value]).toEqual(["\uffff\xc3\xfb", "\uffff\xd6\xd0"]);
  // Of this name rows have no field.
  const proto = Buffer.from("__proto__\x02x");
  expect(Object.keys(parseMetadata(proto))).toEqual(["\uffff__proto__"]);
  expect(formatMetadata(parseMetadata(proto)).equals(proto)).toBe(true);
});

test("that is too long, or has no name, is refused", () => {
  expect(() => parseMetadata(Buffer.from("\x02x"))).toThrow("a name of metadata");
  expect(() => parseMetadata(Buffer.alloc(65, 0xff))).not.toThrow();
  const long = Buffer.concat([Buffer.alloc(65, 0xff), Buffer.from("\x02x")]);
  expect(() => parseMetadata(long)).toThrow("1 to 64 bytes");
  for (const wrong of [{ a: "\x01" }, { "a\x02": "" }])
    expect(() => checkMetadata(wrong)).toThrow("sets metadata apart");
  expect(() => checkMetadata({ a: "é".repeat(129) })).toThrow("at most 256 bytes");
});
