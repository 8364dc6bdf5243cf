import { describe, expect, test } from "vitest";
import { seededRandom } from "../../base/random.ts";
import {
  decodeName,
  encodeName,
  extensionOf,
  type NameFields,
  newKey,
  parseKey,
  renamedKey,
  slaveKey,
  splitId,
} from "./file-id.ts";

/** Ids that people published together with what FastDFS' own tools said of them, in their time zone. */
const published = [
  [
    "CtM3CFm3YH-AXy_CAAB4RZQzVgU274.log",
    "10.211.55.8",
    "2017-09-12T12:20:15+08:00",
    30_789,
    2_486_392_325,
  ],
  [
    "wKh-h1pfyoKAb0TCAABdrZgsqUU623.jpg",
    "192.168.126.135",
    "2018-01-18T06:13:22+08:00",
    23_981,
    2_553_063_749,
  ],
  [
    "wKgBFF1Tvn6AL_ulAAhuqKakO_M091.png",
    "192.168.1.20",
    "2019-08-14T15:55:42+08:00",
    552_616,
    2_795_781_107,
  ],
  [
    "wKhJhGHYF2CAbacYAAAADLCV5eM801.txt",
    "192.168.73.132",
    "2022-01-07T18:35:12+08:00",
    12,
    2_962_613_731,
  ],
  [
    "wKgfC18vs3aATQtfAAF9JumPvag836.jpg",
    "192.168.31.11",
    "2020-08-09T16:27:34+08:00",
    97_574,
    3_918_511_528,
  ],
  [
    "rBACFVyIpkyAW-GPAACDlqtGkq042055.h",
    "172.16.2.21",
    "2019-03-13T06:42:20Z",
    33_686,
    2_873_529_005,
  ],
  [
    "rCBkhFgUbpuAEZfxAI662SrTJ6w612.jpg",
    "172.32.100.132",
    "2016-10-29T02:40:43-07:00",
    9_353_945,
    718_481_324,
  ],
  [
    "wKivb114XC2ARIVaAAAAC_u0Yds557.txt",
    "192.168.175.111",
    "2019-09-11T10:30:05+08:00",
    11,
    4_222_902_747,
  ],
] as const;

describe("ids that FastDFS made", () => {
  test.each(published)("%s tells what its tools told", (name, source, created, length, crc32) => {
    const fields = parseKey(`M00/00/00/${name}`);
    expect(fields).toEqual({
      source,
      createdS: Date.parse(created) / 1000,
      size: { kind: "normal", lengthBytes: length },
      crc32,
      slave: false,
    });
    const chance = Buffer.from(name, "base64url").readUInt32BE(8);
    expect(encodeName(fields as NameFields, chance)).toBe(name.slice(0, 27));
  });

  test("an appender does not tell its size", () => {
    expect(parseKey("M00/00/00/rBYuI1uzEBGEBdK7AAAAAFYYMDI375.txt")).toEqual({
      source: "172.22.46.35",
      createdS: Date.parse("2018-10-02T14:28:33+08:00") / 1000,
      size: { kind: "appender" },
      crc32: 0x5618_3032,
      slave: false,
    });
  });

  test.each(["CtM3CFm3YH-AXy_CAAB4RZQzVgU274", "wKgGxF-BItiAIGBqABBaV0WhZ9w144"])(
    "slaves of %s have its name, a prefix and their extension",
    (name) => {
      const slave = slaveKey(`M00/00/00/${name}.log`, "_big", "log");
      expect(slave).toBe(`M00/00/00/${name}_big.log`);
      expect(parseKey(slave)?.slave).toBe(true);
    },
  );
});

describe("names", () => {
  test("round trip, of any size and source", () => {
    const random = seededRandom(1);
    for (let i = 0; i < 2000; i++) {
      const large = Number(random.bytes(6).readUIntBE(0, 6));
      const lengths = [random.u32(), 0, 2 ** 32 - 1, 2 ** 32, large];
      const lengthBytes = lengths[i % lengths.length] ?? 0;
      const sizes = [{ kind: "normal", lengthBytes }, { kind: "appender" }] as const;
      const fields: NameFields = {
        source: i % 3 === 0 ? String(1 + (i % 1000)) : `10.${i % 256}.7.${1 + (i % 255)}`,
        createdS: random.u32(),
        size: sizes[i % 7 === 0 ? 1 : 0],
        crc32: random.u32(),
      };
      const name = encodeName(fields, random.u32());
      expect(name).toMatch(/^[A-Za-z0-9_-]{27}$/);
      expect(decodeName(name)).toEqual(fields);
      const key = newKey(name, ["jpg", "", "tar.gz"][i % 3] ?? "", () => random.u32() % 10);
      expect(key).toHaveLength(44);
      expect(parseKey(key)).toEqual({ ...fields, slave: false });
    }
  });

  test("folders spread, and are the same for the same name", () => {
    const random = seededRandom(2);
    const folders = new Set<string>();
    for (let i = 0; i < 1000; i++) {
      const name = random.bytes(20).toString("base64url");
      const key = newKey(name, "", () => 7);
      expect(newKey(name, "txt", () => 1).slice(0, 10)).toBe(key.slice(0, 10));
      expect(renamedKey(key, name, () => 7)).toBe(key);
      folders.add(key.slice(0, 10));
    }
    expect(folders.size).toBeGreaterThan(950);
  });

  test("a trunk file's name is longer and no slave's", () => {
    const fields = { source: "10.0.0.1", createdS: 1, crc32: 2 } as const;
    const name = encodeName({ ...fields, size: { kind: "trunk", lengthBytes: 77 } }, 3);
    const found = parseKey(`M00/00/00/${name}${"a".repeat(16)}0000000`);
    expect(found).toMatchObject({ size: { kind: "trunk", lengthBytes: 77 }, slave: false });
  });
});

describe("what is no file id", () => {
  const good = "M00/00/00/CtM3CFm3YH-AXy_CAAB4RZQzVgU274.log";
  test.each([
    "",
    "M00/00/00/short",
    "m00/00/00/CtM3CFm3YH-AXy_CAAB4RZQzVgU274.log",
    "M00/0g/00/CtM3CFm3YH-AXy_CAAB4RZQzVgU274.log",
    "M00/00/00/../../CtM3CFm3YH-AXy_CAAB4RZQzVgU274.log",
    `${good}\0`,
    `${good}/x`,
    `${good}-m `,
    good.padEnd(128, "x"),
    `/${good}`,
  ])("%j", (text) => {
    expect(parseKey(text)).toBeUndefined();
  });

  test("slaves without prefix, with too long a one, or with that of metadata", () => {
    for (const prefix of ["", "x".repeat(17), "a/b", "ü"])
      expect(() => slaveKey(good, prefix, "log")).toThrow("prefix");
    expect(() => slaveKey(good, "-m", "")).toThrow("metadata");
    expect(() => slaveKey("M00/00/00/short", "_x", "")).toThrow("no file id");
    expect(() => slaveKey(good, "_x", "a/b")).toThrow("extension");
    expect(slaveKey(good, "_x", "")).toBe(good.replace(".log", "_x"));
  });

  test("extensions and groups are told apart by the last dot place and the first slash", () => {
    expect(extensionOf(good)).toBe("log");
    expect(extensionOf(good.replace(".log", "1234"))).toBe("");
    expect(splitId(`group1/${good}`)).toEqual({ group: "group1", key: good });
  });
});

test("a source that is none is refused", () => {
  const size = { kind: "normal", lengthBytes: 1 } as const;
  for (const source of ["", "abc", "300.1.1.1", "1.2.3", "1.2.3.4.5", "1.2.3.x", "::1", "-1"])
    expect(() => encodeName({ source, createdS: 1, size, crc32: 0 }, 0)).toThrow(/IPv4/);
  for (const source of ["10.1.2.255", "7"])
    expect(decodeName(encodeName({ source, createdS: 1, size, crc32: 0 }, 0)).source).toBe(source);
});
