/** The tracker and storage ports against a client of the protocol that knows nothing of them. */
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import pino from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../base/clock.ts";
import { limits } from "../../base/limits.ts";
import { seededRandom } from "../../base/random.ts";
import { parseKey } from "../../client/fastdfs/file-id.ts";
import type { Store } from "../../client/store.ts";
import {
  advertisedOf,
  establishGroups,
  type FastdfsPorts,
  openFastdfsPorts,
} from "../../gateway/fastdfs/open-ports.ts";
import { memoryStore } from "../memory-store.ts";
import { padded, SmallClient } from "./small-client.ts";

const ENOENT = 2;
const EEXIST = 17;
const EINVAL = 22;
const EOPNOTSUPP = 95;

const random = seededRandom(1);
let store: Store;
let ports: FastdfsPorts;
let client: SmallClient;

beforeAll(async () => {
  store = await memoryStore();
  const groups = ["group1", "group2"];
  await establishGroups(store, groups, "root");
  await establishGroups(store, groups, "root");
  const where = { host: "127.0.0.1", trackerPort: 0, storagePorts: [] };
  const logger = pino({ level: "silent" });
  ports = await openFastdfsPorts({ store, clock: systemClock, random, logger, groups, ...where });
  client = await SmallClient.to(ports.storages[0]?.port ?? 0);
});

afterAll(async () => {
  client.socket.destroy();
  await ports.close();
  await store[Symbol.asyncDispose]();
});

async function uploaded(bytes: Buffer, extension = "bin", command = 11): Promise<string> {
  const key = await client.upload(bytes, extension, command);
  if (typeof key === "number") throw new Error(`refused with ${key}`);
  return key;
}

describe("files", () => {
  test("are stored under ids that tell what they are, and read from any offset", async () => {
    const bytes = random.bytes(6_000_000);
    const key = await uploaded(bytes, "jpg");
    expect(key).toMatch(/^M00\/[0-9A-F]{2}\/[0-9A-F]{2}\/[A-Za-z0-9_-]{27}[0-9]{3}\.jpg$/);
    const named = { size: { kind: "normal", lengthBytes: bytes.length }, crc32: crc32(bytes) };
    expect(parseKey(key)).toMatchObject({ source: "127.0.0.1", slave: false, ...named });
    for (const [offset, length] of [
      [0, 0],
      [1, 0],
      [5_999_999, 0],
      [123_456, 3_000_000],
      [5_000_000, 9_000_000],
    ] as const) {
      const { status, body } = await client.download(key, offset, length);
      expect(status).toBe(0);
      const end = length === 0 ? bytes.length : offset + length;
      expect(body.equals(bytes.subarray(offset, end))).toBe(true);
    }
    expect((await client.download(key, bytes.length)).status).toBe(EINVAL);
    expect(await client.info(key)).toMatchObject({
      ...{ status: 0, length: bytes.length, crc32: crc32(bytes), address: "127.0.0.1" },
    });
  });

  test("are ordinary objects of the bucket", async () => {
    const bytes = random.bytes(1000);
    const key = await uploaded(bytes);
    const { object } = await store.names.lookup({ bucket: "group1", key });
    const etag = createHash("md5").update(bytes).digest("hex");
    expect(object.attributes.etag).toBe(etag);
    expect(object.attributes.checksum).toMatchObject({ algorithm: "CRC32", type: "FULL_OBJECT" });
  });

  test("may be empty, and without an extension", async () => {
    const key = await uploaded(Buffer.alloc(0), "");
    expect(key).toMatch(/\/[A-Za-z0-9_-]{27}[0-9]{7}$/);
    expect(await client.download(key)).toEqual({ status: 0, body: Buffer.alloc(0) });
  });

  test("have slaves, each name once", async () => {
    const master = await uploaded(random.bytes(100), "png");
    const small = random.bytes(10);
    const slave = await client.uploadSlave(master, "_150x150", "jpg", small);
    expect(slave).toBe(master.replace(".png", "_150x150.jpg"));
    expect((await client.download(String(slave))).body.equals(small)).toBe(true);
    expect(await client.info(String(slave))).toMatchObject({ length: 10, crc32: crc32(small) });
    expect(await client.uploadSlave(master, "_150x150", "jpg", small)).toBe(EEXIST);
    expect(await client.uploadSlave(master, "", "jpg", small)).toBe(EINVAL);
    const gone = master.replace("M00", "M01");
    expect(await client.uploadSlave(gone, "_x", "jpg", small)).toBe(ENOENT);
    expect(await client.remove(master)).toBe(0);
    expect((await client.download(String(slave))).status).toBe(0);
  });

  test("go, and are then not there", async () => {
    const key = await uploaded(random.bytes(10));
    expect(await client.remove(key)).toBe(0);
    expect(await client.remove(key)).toBe(ENOENT);
    expect((await client.download(key)).status).toBe(ENOENT);
    expect((await client.info(key)).status).toBe(ENOENT);
    expect(await client.metadata(key)).toBe(ENOENT);
    expect(await client.setMetadata(key, "O", "a\x02b")).toBe(ENOENT);
  });
});

describe("appender files", () => {
  test("hold what a buffer holds", async () => {
    let model = random.bytes(5000);
    const key = await uploaded(model, "log", 23);
    expect(parseKey(key)?.size).toEqual({ kind: "appender" });
    for (let i = 0; i < 120; i++) {
      const added = random.bytes(1 + (random.u32() % 4000));
      const offset = random.u32() % (model.length + 1);
      const what = random.u32() % 8;
      if (what < 4) {
        expect(await client.append(key, added)).toBe(0);
        model = Buffer.concat([model, added]);
      } else if (what < 7) {
        expect(await client.modify(key, offset, added)).toBe(0);
        const behind = model.subarray(offset + added.length);
        model = Buffer.concat([model.subarray(0, offset), added, behind]);
      } else {
        const length = Math.max(offset, model.length - 3000);
        expect(await client.truncate(key, length)).toBe(0);
        model = model.subarray(0, length);
      }
      if (i % 20 === 0) expect((await client.download(key)).body.equals(model)).toBe(true);
    }
    expect((await client.download(key)).body.equals(model)).toBe(true);
    expect(await client.info(key)).toMatchObject({ length: model.length, crc32: crc32(model) });
    expect(await client.info(key, 1)).toMatchObject({ length: model.length, crc32: 0 });
    const { status, body } = await client.ask(38, [key]);
    const normal = body.toString("latin1", 16);
    expect(status).toBe(0);
    expect(parseKey(normal)).toMatchObject({
      size: { kind: "normal", lengthBytes: model.length },
      crc32: crc32(model),
    });
    expect((await client.download(normal)).body.equals(model)).toBe(true);
    expect((await client.download(key)).status).toBe(ENOENT);
  });

  test("alone may change, and only where they are", async () => {
    const fixed = await uploaded(random.bytes(10));
    const key = await uploaded(random.bytes(10), "log", 23);
    for (const status of [
      await client.append(fixed, random.bytes(1)),
      await client.modify(fixed, 0, random.bytes(1)),
      await client.truncate(fixed, 0),
      await client.modify(key, 11, random.bytes(1)),
      await client.truncate(key, 11),
      await client.append("M00/00/00/none", random.bytes(1)),
      (await client.ask(38, [fixed])).status,
    ])
      expect(status).toBe(EINVAL);
    expect(await client.append(key, Buffer.alloc(0))).toBe(0);
    expect(await client.truncate(key, 10)).toBe(0);
    expect(await client.remove(key)).toBe(0);
    expect(await client.append(key, random.bytes(1))).toBe(ENOENT);
  });
});

describe("metadata", () => {
  test("is overwritten or merged, and comes back sorted by name", async () => {
    const key = await uploaded(random.bytes(10));
    expect(await client.metadata(key)).toBe("");
    expect(await client.setMetadata(key, "O", "width\x02160\x01Height\x0280")).toBe(0);
    expect(await client.setMetadata(key, "M", "width\x02200\x01title\x02Größe")).toBe(0);
    expect(await client.metadata(key)).toBe("Height\x0280\x01title\x02Größe\x01width\x02200");
    expect(await client.setMetadata(key, "O", "a\x021")).toBe(0);
    expect(await client.metadata(key)).toBe("a\x021");
    expect(await client.setMetadata(key, "O", "")).toBe(0);
    expect(await client.metadata(key)).toBe("");
    expect(await client.setMetadata(key, "M", `${"n".repeat(65)}\x021`)).toBe(EINVAL);
    expect(await client.setMetadata(key, "M", `n\x02${"v".repeat(257)}`)).toBe(EINVAL);
    expect((await client.download(key)).body.length).toBe(10);
  });

  test("merged by many at the same time is all there", async () => {
    const key = await uploaded(random.bytes(10));
    const merge = async (i: number) => {
      using one = await SmallClient.to(ports.storages[0]?.port ?? 0);
      expect(await one.setMetadata(key, "M", `n${i}\x02${i}`)).toBe(0);
    };
    await Promise.all(Array.from({ length: 20 }, (_, i) => merge(i)));
    expect(String(await client.metadata(key)).split("\x01")).toHaveLength(20);
  });
});

describe("what is wrong", () => {
  test.each([
    [
      "another group",
      12,
      [padded("group2", 16), "M00/00/00/CtM3CFm3YH-AXy_CAAB4RZQzVgU274.log"],
      EINVAL,
    ],
    ["no group at all", 12, ["short"], EINVAL],
    [
      "a key that is none",
      14,
      [Buffer.alloc(16), padded("group1", 16), "M00/00/00/../../x"],
      EINVAL,
    ],
    ["a path that is not there", 11, [Buffer.from([3]), Buffer.alloc(14)], EINVAL],
    [
      "an extension with a slash",
      11,
      [Buffer.from([0]), Buffer.alloc(8), padded("a/b", 6)],
      EINVAL,
    ],
    [
      "less than it says",
      11,
      [Buffer.from([0]), Buffer.alloc(7, 0), "\x05", Buffer.alloc(6)],
      EINVAL,
    ],
    ["an unknown command", 77, ["x"], EOPNOTSUPP],
    [
      "a negative offset",
      14,
      [Buffer.alloc(8, 0xff), Buffer.alloc(8), padded("group1", 16)],
      EINVAL,
    ],
  ] as const)("%s is told, and the connection goes on", async (_, command, parts, status) => {
    expect((await client.ask(command, parts)).status).toBe(status);
    expect(await client.ask(111)).toEqual({ status: 0, body: Buffer.alloc(0) });
  });

  test("a length that cannot be ends the connection", async () => {
    for (const length of [-1, Number.MAX_SAFE_INTEGER]) {
      using one = await SmallClient.to(ports.storages[0]?.port ?? 0);
      one.socket.write(SmallClient.frame(11, Buffer.alloc(0), 0, length));
      await expect(one.reply()).rejects.toThrow("closed");
    }
  });

  test("too long a request that is refused is not read to its end", async () => {
    using one = await SmallClient.to(ports.storages[0]?.port ?? 0);
    const length = 2 * limits.lingerBytes;
    one.socket.write(SmallClient.frame(12, Buffer.alloc(1000), 0, length));
    expect((await one.reply()).status).toBe(27);
    await expect(one.reply()).rejects.toThrow("closed");
  });

  test("bytes of chance harm nobody", async () => {
    const chance = seededRandom(9);
    const commands = [11, 12, 13, 14, 15, 21, 22, 23, 24, 34, 36, 38, 75, 90, 92, 101, 102, 104];
    for (let i = 0; i < 150; i++) {
      const port = i % 2 === 0 ? ports.trackerPort : (ports.storages[0]?.port ?? 0);
      using one = await SmallClient.to(port);
      const bytes = chance.bytes(chance.u32() % 200);
      // Half of them at least begin as a request does.
      const command = commands[i % commands.length] ?? 0;
      const gone = new Promise((closed) => one.socket.once("close", closed));
      one.socket.end(i % 4 < 2 ? bytes : SmallClient.frame(command, bytes));
      const answers = async () => {
        for (;;) await one.reply();
      };
      await answers().catch(() => undefined);
      await gone;
    }
    expect((await client.ask(111)).status).toBe(0);
    using tracker = await SmallClient.to(ports.trackerPort);
    expect((await tracker.ask(101)).body.length).toBe(40);
  });

  test("an upload that breaks off stores nothing", async () => {
    const count = async () => (await store.names.bucket("group1")).objects;
    const before = await count();
    {
      using one = await SmallClient.to(ports.storages[0]?.port ?? 0);
      const size = Buffer.alloc(8);
      size.writeBigInt64BE(5_000_000n);
      const head = Buffer.concat([Buffer.from([0]), size, padded("bin", 6)]);
      one.socket.write(SmallClient.frame(11, head, 0, head.length + 5_000_000));
      await new Promise<void>((sent) => one.socket.write(random.bytes(1_000_000), () => sent()));
    }
    await uploaded(Buffer.from("later"));
    expect(await count()).toBe(before + 1);
  });

  test("requests one behind the other are answered in order", async () => {
    const key = await uploaded(Buffer.from("abc"));
    const named = Buffer.concat([padded("group1", 16), Buffer.from(key)]);
    const frames = [111, 22, 12, 22].map((command) =>
      SmallClient.frame(command, command === 111 ? Buffer.alloc(0) : named),
    );
    client.socket.write(Buffer.concat(frames));
    const statuses = [];
    for (const _ of frames) statuses.push((await client.reply()).status);
    expect(statuses).toEqual([0, 0, 0, ENOENT]);
  });
});

describe("the tracker", () => {
  test("tells the storage of a group, by the address at which it was asked", async () => {
    using tracker = await SmallClient.to(ports.trackerPort);
    const [first, second] = ports.storages;
    const read = (body: Buffer) => ({
      group: body.toString("latin1", 0, 16).replaceAll("\0", ""),
      address: body.toString("latin1", 16, 31).replaceAll("\0", ""),
      port: Number(body.readBigInt64BE(31)),
    });
    const of = (group: typeof first) => ({
      ...{ group: group?.name, address: "127.0.0.1", port: group?.port },
    });
    const key = "M00/00/00/CtM3CFm3YH-AXy_CAAB4RZQzVgU274.log";
    for (const command of [102, 103, 105])
      expect(read((await tracker.ask(command, [padded("group2", 16), key])).body)).toEqual(
        of(second),
      );
    for (const command of [104, 107]) {
      const { body } = await tracker.ask(command, [padded("group1", 16)]);
      expect(read(body)).toEqual(of(first));
      expect([body.length, body.readUInt8(39)]).toEqual([40, 0]);
    }
    const stored = [await tracker.ask(101), await tracker.ask(106)];
    expect(
      stored.map(({ body }) => read(body)).toSorted((a, b) => (a.group < b.group ? -1 : 1)),
    ).toEqual([of(first), of(second)]);
    expect((await tracker.ask(104, [padded("none", 16)])).status).toBe(ENOENT);
    expect((await tracker.ask(111)).status).toBe(0);
    expect((await tracker.ask(75)).body.toString()).toContain("use_storage_id=0\n");
  });

  test("tells the address and port that it was given", async () => {
    const groups = ["group1", "group2"];
    const logger = pino({ level: "silent" });
    for (const [text, address, at] of [
      ["10.1.2.3:33000", "10.1.2.3", 15],
      ["[fd00::7]:33000", "fd00::7", 45],
    ] as const) {
      const told = await openFastdfsPorts({
        ...{ store, clock: systemClock, random, logger, groups, host: "127.0.0.1" },
        ...{ trackerPort: 0, storagePorts: [], advertise: advertisedOf(text) },
      });
      using tracker = await SmallClient.to(told.trackerPort);
      const { body } = await tracker.ask(104, [padded("group2", 16)]);
      expect(body.toString("latin1", 16, 16 + at).replaceAll("\0", "")).toBe(address);
      expect(Number(body.readBigInt64BE(16 + at))).toBe(33_001);
      // A name has room for an IPv4 address only.
      using storage = await SmallClient.to(told.storages[0]?.port ?? 0);
      const key = String(await storage.upload(Buffer.from("x")));
      expect(parseKey(key)?.source).toBe(at === 15 ? address : "100001");
      expect(await storage.info(key)).toMatchObject({ address: at === 15 ? address : "" });
      tracker.socket.destroy();
      storage.socket.destroy();
      await told.close();
    }
    for (const text of ["storage.example", "10.1.2.3:0", "10.1.2.3:99999", "10.1.2:1", ""])
      expect(() => advertisedOf(text)).toThrow("IP addresses");
    expect(advertisedOf("fd00::7")).toEqual({ address: "fd00::7" });
  });

  test("tells monitors, in records of the lengths that they expect", async () => {
    using tracker = await SmallClient.to(ports.trackerPort);
    const lengthOf = async (command: number, parts: Buffer[] = []) =>
      (await tracker.ask(command, parts)).body.length;
    expect(await lengthOf(90, [padded("group1", 16)])).toBe(113);
    expect(await lengthOf(91)).toBe(2 * 113);
    expect(await lengthOf(92, [padded("group1", 16)])).toBe(487);
    expect(await lengthOf(96, [Buffer.alloc(3)])).toBe(1 + 90);
    expect(await lengthOf(97, [Buffer.alloc(4)])).toBe(6 + 2 * 106);
    expect(await lengthOf(98, [Buffer.alloc(4)])).toBe(5 + 2 * 59);
    expect((await tracker.ask(95)).body.toString()).toBe(`127.0.0.1:${ports.trackerPort}`);
    expect((await tracker.ask(93)).status).toBe(EOPNOTSUPP);
    const one = [padded("group1", 16), Buffer.from("127.0.0.1")];
    expect((await tracker.ask(92, one)).body.length).toBe(487);
    expect((await tracker.ask(92, [padded("group1", 16), Buffer.from("x")])).status).toBe(ENOENT);
  });
});
