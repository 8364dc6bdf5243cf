/** Fids end to end: what they name, who gets it, and what stays when they go. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hasCode } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import { seededRandom } from "../base/random.ts";
import { BARE_BYTES } from "../client/fids/head.ts";
import { encodeList } from "../client/fids/list.ts";
import { fidName, parseFidName } from "../client/fids/name.ts";
import type { Store } from "../client/store.ts";
import { memoryStore } from "./memory-store.ts";

const random = seededRandom(81);
const bucket = "shop";
let store: Store;

beforeAll(async () => {
  store = await memoryStore();
  for (const name of [bucket, "other"])
    await store.names.execute({ type: "createBucket", bucket: name, owner: "ada" });
});
afterAll(async () => await store?.[Symbol.asyncDispose]());

async function* inPieces(bytes: Uint8Array, pieceBytes = 100_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.subarray(at, at + pieceBytes);
}

const body = (bytes: Uint8Array) => ({ bytes: inPieces(bytes), lengthBytes: bytes.length });

async function bytesOf(name: string, from = 0, length?: number, of = bucket): Promise<Buffer> {
  using open = await store.fids.fetch(of, name);
  const parts: Buffer[] = [];
  for await (const view of open.read(from, length ?? open.lengthBytes - from))
    parts.push(Buffer.from(view));
  return Buffer.concat(parts);
}

const codeOf = async (asked: Promise<unknown>): Promise<string> => {
  try {
    await asked;
    return "done";
  } catch (error) {
    if (hasCode(error, "NoSuchKey", "InvalidArgument", "Damaged")) return error.code;
    throw error;
  }
};

async function putKey(key: string, bytes: Uint8Array): Promise<void> {
  await store.put({ bucket, key }, body(bytes), () => ({ etag: "etag" }));
}

describe("a file", () => {
  test.each([
    ["nothing", 0],
    ["one byte", 1],
    ["4 KiB", 4096],
    ["a bit more than what is read at once", 200_000],
    ["as much as one needle holds", BARE_BYTES],
  ])("of %s has a T name, and comes back whole and in ranges", async (_, lengthBytes) => {
    const bytes = random.bytes(lengthBytes);
    const { name, kind } = await store.fids.store({ bucket }, body(bytes));
    // Whose bytes they were is read by others by now.
    expect(await store.fids.stat(bucket, name)).not.toHaveProperty("whole");
    expect(kind).toBe("T");
    expect((await bytesOf(name)).equals(bytes)).toBe(true);
    const from = Math.floor(lengthBytes / 3);
    const length = Math.floor(lengthBytes / 2);
    expect((await bytesOf(name, from, length)).equals(bytes.subarray(from, from + length))).toBe(
      true,
    );
    expect(await store.fids.stat(bucket, name)).toMatchObject({ lengthBytes, isHidden: false });
  });

  test.each([
    ["one byte more than a needle holds", BARE_BYTES + 1, {}],
    ["three chunks", 2 * limits.chunkBytes + 5, {}],
    ["little, when that is wished", 10, { large: true }],
  ])("of %s has an L name", async (_, lengthBytes, options) => {
    const bytes = random.bytes(lengthBytes);
    const { name, kind } = await store.fids.store({ bucket, ...options }, body(bytes));
    expect(kind).toBe("L");
    expect((await bytesOf(name)).equals(bytes)).toBe(true);
    const from = Math.floor(lengthBytes / 2);
    expect((await bytesOf(name, from)).equals(bytes.subarray(from))).toBe(true);
    // The name is one of the bucket, too.
    const { object } = await store.open({ bucket, key: name });
    expect(object.lengthBytes).toBe(lengthBytes);
  });

  test.each([
    ["nothing", 0, "T"],
    ["small", 1000, "T"],
    ["just so much as is looked at", limits.fidMeasuredBytes - 1, "T"],
    ["one byte more", limits.fidMeasuredBytes, "L"],
    ["large", 300_000, "L"],
  ] as const)(
    "of unknown length that is %s comes back, however it is cut",
    async (_, lengthBytes, kind) => {
      const bytes = random.bytes(lengthBytes);
      for (const pieceBytes of [1, 999, limits.fidMeasuredBytes - 1, 500_000]) {
        if (pieceBytes === 1 && kind === "L") continue; // as many steps
        const stored = await store.fids.store({ bucket }, { bytes: inPieces(bytes, pieceBytes) });
        expect(stored.kind).toBe(kind);
        expect((await bytesOf(stored.name)).equals(bytes)).toBe(true);
      }
    },
  );

  test.each([
    ["ends early", 50],
    ["goes on behind its end", 200],
  ])("that %s is not stored", async (_, lengthBytes) => {
    const sent = { bytes: inPieces(random.bytes(lengthBytes)), lengthBytes: 100 };
    expect(await codeOf(store.fids.store({ bucket }, sent))).toBe("InvalidArgument");
  });

  test("with a suffix is found with that suffix only", async () => {
    const { name } = await store.fids.store({ bucket, suffix: ".jpg" }, body(random.bytes(9)));
    expect(name.slice(18)).toBe(".jpg");
    expect((await bytesOf(name)).length).toBe(9);
    expect(await codeOf(bytesOf(name.slice(0, 18)))).toBe("NoSuchKey");
    expect(await codeOf(bytesOf(`${name.slice(0, 18)}.png`))).toBe("NoSuchKey");
  });

  test("is found in its own bucket only", async () => {
    const { name } = await store.fids.store({ bucket }, body(random.bytes(9)));
    expect(await codeOf(bytesOf(name, 0, 9, "other"))).toBe("NoSuchKey");
    expect(await codeOf(store.fids.remove("other", name))).toBe("NoSuchKey");
    expect((await bytesOf(name)).length).toBe(9);
  });

  test("that is hidden is not found until it is revealed", async () => {
    const { name } = await store.fids.store({ bucket }, body(random.bytes(9)));
    await store.fids.hide(bucket, name);
    await store.fids.hide(bucket, name);
    expect(await codeOf(bytesOf(name))).toBe("NoSuchKey");
    expect(await store.fids.stat(bucket, name)).toMatchObject({ isHidden: true });
    await store.fids.reveal(bucket, name);
    expect((await bytesOf(name)).length).toBe(9);
  });
});

describe("removed", () => {
  test.each([
    ["T", false],
    ["L", true],
  ])("an %s name is found no more, and not twice removed", async (_, large) => {
    const { name } = await store.fids.store({ bucket, large }, body(random.bytes(5000)));
    await store.fids.remove(bucket, name);
    expect(await codeOf(bytesOf(name))).toBe("NoSuchKey");
    expect(await codeOf(store.fids.remove(bucket, name))).toBe("NoSuchKey");
    expect(await codeOf(store.open({ bucket, key: name }))).toBe("NoSuchKey");
  });

  test("a hidden one leaves no mark", async () => {
    const { name } = await store.fids.store({ bucket }, body(random.bytes(9)));
    await store.fids.hide(bucket, name);
    await store.fids.remove(bucket, name);
    const list = await store.names.list({
      ...{ bucket, prefix: ".fids/", delimiter: "", after: "", limit: 10 },
    });
    expect(list.objects).toEqual([]);
  });

  test("a link leaves the object, and the object the link", async () => {
    const bytes = random.bytes(limits.chunkBytes + 77);
    await putKey("film.mp4", bytes);
    const first = await store.fids.link({ bucket, key: "film.mp4" }, { bucket: "other" });
    const second = await store.fids.link({ bucket, key: "film.mp4" }, { bucket, suffix: ".mp4" });
    await store.fids.remove("other", first.name);
    expect(await codeOf(bytesOf(first.name, 0, 1, "other"))).toBe("NoSuchKey");
    expect((await bytesOf(second.name)).equals(bytes)).toBe(true);
    await store.names.execute({ type: "deleteObject", bucket, key: "film.mp4" });
    expect((await bytesOf(second.name)).equals(bytes)).toBe(true);
  });
});

describe("what S3 did under the key of a fid", () => {
  const settings = { versioning: "enabled" } as const;

  test.each(["deleted", "overwritten", "overwritten often"])(
    "%s where versions are kept: the fid goes when it is removed, and nothing else",
    async (what) => {
      const kept = `kept-${what.replaceAll(" ", "-")}`;
      await store.names.execute({ type: "createBucket", bucket: kept, owner: "ada", settings });
      const bytes = random.bytes(5000);
      const { name } = await store.fids.store({ bucket: kept, large: true }, body(bytes));
      const others = { deleted: 0, overwritten: 1 }[what] ?? limits.listKeys + 3;
      const named = { bucket: kept, key: name };
      if (others === 0) await store.names.execute({ type: "deleteObject", ...named });
      for (let i = 0; i < others; i++)
        await store.put(named, body(Buffer.from(`other ${i}`)), () => ({ etag: `${i}` }));
      expect((await bytesOf(name, 0, undefined, kept)).equals(bytes)).toBe(true);
      await store.fids.remove(kept, name);
      expect(await codeOf(bytesOf(name, 0, 1, kept))).toBe("NoSuchKey");
      expect(await codeOf(store.fids.remove(kept, name))).toBe("NoSuchKey");
      const bucketNow = await store.names.bucket(kept);
      expect(bucketNow.objects + bucketNow.versions).toBe(Math.max(1, others));
      if (others === 0) return;
      const { object } = await store.names.lookup(named);
      expect(object.attributes.etag).toBe(`${others - 1}`);
    },
  );

  test("overwritten just before it is removed: what S3 put stays", async () => {
    const { name } = await store.fids.store({ bucket, large: true }, body(random.bytes(5000)));
    await store.put({ bucket, key: name }, body(random.bytes(10)), () => ({ etag: "s3" }));
    expect(await codeOf(store.fids.remove(bucket, name))).toBe("NoSuchKey");
    const { object } = await store.names.lookup({ bucket, key: name });
    expect(object.attributes.etag).toBe("s3");
  });
});

describe("what belongs to an object", () => {
  /** Where the only chunk of an object is. */
  async function chunkOf(key: string) {
    const { run } = await store.names.lookup({ bucket, key, offset: 0 });
    const chunk = run?.chunks[0];
    if (chunk === undefined) throw new Error("an object with bytes has a chunk");
    return chunk;
  }

  test.each(["T", "L"] as const)("is not found by an %s name made up for it", async (kind) => {
    await putKey("private", random.bytes(4000));
    const chunk = await chunkOf("private");
    expect(await codeOf(bytesOf(fidName(kind, chunk)))).toBe("NoSuchKey");
    expect(await codeOf(store.fids.stat(bucket, fidName(kind, chunk)))).toBe("NoSuchKey");
    expect(await codeOf(store.fids.remove(bucket, fidName(kind, chunk)))).toBe("NoSuchKey");
    expect((await store.open({ bucket, key: "private" })).object.lengthBytes).toBe(4000);
  });

  test("is not found by a list that somebody stored as bytes", async () => {
    await putKey("secret", random.bytes(4000));
    const crafted = encodeList([await chunkOf("secret")]);
    // Headed like a true list, as an object and as a bare file.
    const { name } = await store.fids.store({ bucket, large: true }, body(random.bytes(10)));
    const fid = parseFidName(name);
    if (fid === undefined) throw new Error("it has just been given");
    crafted.writeUInt32LE(0x44494651, 0);
    crafted.writeUInt32LE(1, 4);
    crafted.writeUInt32LE(crafted.length - 32, 8);
    crafted.writeBigUInt64LE(BigInt((await store.fids.apps.of(bucket)).id), 16);
    await putKey("crafted", crafted);
    expect(await codeOf(bytesOf(fidName("L", await chunkOf("crafted"))))).toBe("NoSuchKey");
    const bare = await store.fids.store({ bucket }, body(crafted.subarray(32)));
    expect(await codeOf(bytesOf(`L${bare.name.slice(1)}`))).toBe("NoSuchKey");
    expect((await bytesOf(bare.name)).equals(crafted.subarray(32))).toBe(true);
  });

  test("a list is no file", async () => {
    const { name } = await store.fids.store({ bucket, large: true }, body(random.bytes(10)));
    expect(await codeOf(bytesOf(`T${name.slice(1)}`))).toBe("NoSuchKey");
  });
});

test("names that lead nowhere are not found", async () => {
  for (let i = 0; i < 20; i++) {
    const fid = { block: random.u32(), needle: random.needleId() } as never;
    expect(await codeOf(bytesOf(fidName("T", fid)))).toBe("NoSuchKey");
  }
  expect(await codeOf(bytesOf("photos/cat.jpg"))).toBe("InvalidArgument");
});
