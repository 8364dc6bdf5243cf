/** The index of streams is right after everything that can happen to a name. */
import { describe, expect, test } from "vitest";
import { hasCode } from "../../base/errors.ts";
import type { BlobId, BlockId, DeviceId, NeedleId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import { seededRandom } from "../../base/random.ts";
import { LEVEL } from "../../base/version.ts";
import type { StreamInfo } from "../../rpc/streams.ts";
import { audit } from "../../test/metadata/audit.ts";
import { commandEntry } from "../../test/metadata/command-entry.ts";
import type { AnyCommand, AnyResult } from "../command.ts";
import { prefixEnd, prefixOf } from "../keyspace.ts";
import { encodeFor } from "../levels.ts";
import { streams } from "../queries/streams.ts";
import { decodeRow } from "../row-codec.ts";
import type { StreamRow } from "../rows.ts";
import { StateMachine } from "../state-machine.ts";
import { MemoryState } from "../state-memory.ts";

const bucket = "b";

class Bucket {
  readonly state = new MemoryState();
  readonly #machine = new StateMachine(this.state);
  #blob = 0;

  async run(command: AnyCommand): Promise<AnyResult> {
    const index = this.#machine.applied + 1;
    const [outcome] = await this.#machine.applyRun([commandEntry(index, 1000 * index, command)]);
    if (outcome === undefined || "refusal" in outcome) throw outcome?.refusal;
    return outcome.result;
  }

  static async open(level = LEVEL): Promise<Bucket> {
    const made = new Bucket();
    if (level > 1) await made.run({ type: "raiseLevel", level });
    await made.run({ type: "leaseBlobs", count: 1000 });
    await made.run({ type: "createBucket", bucket, owner: "me" });
    return made;
  }

  put(key: string, filename?: string, more: Partial<StreamInfo> = {}): Promise<AnyResult> {
    const stream = { ...(filename !== undefined && { filename }), chunkSizeBytes: 4, ...more };
    return this.putAs(key, stream);
  }

  async putAs(key: string, stream?: StreamInfo): Promise<AnyResult> {
    const content = { blob: ++this.#blob as BlobId, lengthBytes: 0, registered: 0, chunks: [] };
    const attributes = { etag: String(this.#blob), ...(stream !== undefined && { stream }) };
    return await this.run({ type: "putObject", bucket, key, content, attributes });
  }

  rename(key: string, filename: string, version?: string): Promise<AnyResult> {
    const change = { stream: { filename, chunkSizeBytes: 4 } };
    const at = { bucket, key, ...(version !== undefined && { version }) };
    return this.run({ type: "describeObject", ...at, change });
  }

  remove(key: string, version?: string): Promise<AnyResult> {
    const at = { bucket, key, ...(version !== undefined && { version }) };
    return this.run({ type: "deleteObject", ...at });
  }

  versioning(versioning: "enabled" | "suspended"): Promise<AnyResult> {
    return this.run({ type: "configureBucket", bucket, change: { versioning } });
  }

  /** Keys of a filename, newest first; every look is an audit, too. */
  async keys(filename: string, limit = 1000): Promise<string[]> {
    await audit(this.state, this.#machine.digest);
    const found: string[] = [];
    for (let after: string | undefined = ""; after !== undefined; ) {
      const page = await streams(this.state, { bucket, filename, after, limit });
      found.push(...page.streams.map(({ key }) => key));
      after = page.next;
    }
    return found;
  }

  /** All keys that have a row in the index, in its order. */
  async index(): Promise<string[]> {
    await audit(this.state, this.#machine.digest);
    const all = prefixOf("stream");
    await using cursor = this.state.range(all, prefixEnd(all));
    const entries = await cursor.next(1000);
    return entries.map(({ key, value }) => decodeRow<StreamRow>(key, value).key);
  }
}

describe("a stream is found by its filename", () => {
  test("newest first, by the time of upload that it has", async () => {
    const b = await Bucket.open();
    for (const key of ["1", "2", "3"]) await b.put(key, "a");
    await b.put("0", "a", { uploadedMs: 5 });
    await b.put("9", "ab");
    await b.put("8", "a\0");
    await b.putAs("plain");
    await b.put("nameless");
    expect(await b.keys("a")).toEqual(["3", "2", "1", "0"]);
    expect(await b.keys("a", 1)).toEqual(["3", "2", "1", "0"]);
    expect(await b.index()).toEqual(["3", "2", "1", "0", "8", "9"]);
    expect(await b.keys("none")).toEqual([]);
    const all = await streams(b.state, { bucket, after: "", limit: 9 });
    expect(all.streams.map(({ key }) => key)).toEqual(["0", "1", "2", "3", "8", "9", "nameless"]);
  });

  test("also when it is overwritten, deleted, brought back and renamed", async () => {
    const b = await Bucket.open();
    await b.put("1", "a");
    await b.put("1", "b");
    expect([await b.keys("a"), await b.keys("b")]).toEqual([[], ["1"]]);
    await b.remove("1");
    expect(await b.index()).toEqual([]);
    await b.run({ type: "undelete", bucket, key: "1" });
    expect(await b.keys("b")).toEqual(["1"]);
    await b.put("2", "c");
    await b.rename("1", "c");
    // It keeps its time of upload.
    expect(await b.keys("c")).toEqual(["2", "1"]);
    await b.run({ type: "describeObject", bucket, key: "2", change: { stream: null } });
    expect(await b.index()).toEqual(["1"]);
    await b.putAs("1");
    expect(await b.index()).toEqual([]);
  });

  test("with versions: the current one only", async () => {
    const b = await Bucket.open();
    await b.versioning("enabled");
    const versions: string[] = [];
    for (const name of ["a", "b"]) {
      const result = await b.put("1", name);
      versions.push(result.type === "version" ? result.version : "");
    }
    expect(await b.index()).toEqual(["1"]);
    await b.rename("1", "old", versions[0]);
    expect([await b.keys("old"), await b.keys("b")]).toEqual([[], ["1"]]);
    await b.remove("1", versions[1]);
    expect(await b.keys("old")).toEqual(["1"]);
    const marker = await b.remove("1");
    expect(await b.index()).toEqual([]);
    await b.remove("1", marker.type === "version" ? marker.version : "");
    expect(await b.keys("old")).toEqual(["1"]);
    await b.versioning("suspended");
    await b.put("1", "null");
    await b.put("1", "null again");
    expect(await b.index()).toEqual(["1"]);
    await b.remove("1");
    expect(await b.index()).toEqual([]);
  });

  test("a copy is one, with the name that it is given", async () => {
    const b = await Bucket.open();
    await b.put("1", "a");
    const seen = { etag: "1", modifiedMs: 4000 };
    const source = { bucket, key: "1", seen };
    const copy = { type: "copyObject", bucket, source } as const;
    await b.run({ ...copy, key: "2", change: {} });
    await b.run({ ...copy, key: "3", change: { stream: { filename: "b", chunkSizeBytes: 4 } } });
    await b.run({ ...copy, key: "4", change: { stream: null } });
    expect([await b.keys("a"), await b.keys("b")]).toEqual([["2", "1"], ["3"]]);
  });

  test.each([1, 2, 3, 4, 5])("after anything at random (seed %i)", async (seed) => {
    const random = seededRandom(seed);
    const pick = <T>(...of: readonly T[]): T => of[random.u32() % of.length] as T;
    const b = await Bucket.open();
    const model = new Map<string, string | undefined>();
    for (let step = 0; step < 120; step++) {
      const key = pick("1", "2", "3");
      const filename = pick("x", "y", undefined);
      const doing = pick("put", "put", "plain", "delete", "rename", "versioning", "undelete");
      try {
        if (doing === "put") await b.put(key, filename);
        else if (doing === "plain") await b.putAs(key);
        else if (doing === "delete") await b.remove(key);
        else if (doing === "rename") await b.rename(key, filename ?? "z");
        else if (doing === "undelete") await b.run({ type: "undelete", bucket, key });
        else await b.versioning(pick("enabled", "suspended"));
      } catch (error) {
        if (!hasCode(error, "NoSuchKey", "InvalidArgument")) throw error;
        continue;
      }
      if (doing === "put") model.set(key, filename);
      if (doing === "plain" || doing === "delete") model.delete(key);
      if (doing === "rename") model.set(key, filename ?? "z");
      if (doing === "undelete") {
        const { streams: all } = await streams(b.state, {
          bucket,
          after: "",
          limit: 9,
        });
        const back = all.find((one) => one.key === key);
        if (back !== undefined) model.set(key, back.attributes.stream.filename);
      }
      const named = [...model].flatMap(([at, name]) => (name === undefined ? [] : [at]));
      expect((await b.index()).sort()).toEqual(named.sort());
    }
  });
});

test("what cannot be kept is refused", async () => {
  const b = await Bucket.open();
  const refusal = (more: Partial<StreamInfo>) => b.put("1", "a", more).catch((error) => error.code);
  expect(await refusal({ filename: "x".repeat(1025) })).toBe("TooLarge");
  expect(await refusal({ chunkSizeBytes: 0 })).toBe("InvalidArgument");
  expect(await refusal({ uploadedMs: -1 })).toBe("InvalidArgument");
  expect(await refusal({ metadata: { a: "x".repeat(65_536) } })).toBe("TooLarge");
  expect(await b.index()).toEqual([]);
  const foreign = streams(b.state, { bucket, after: "AAAA", limit: 1 });
  expect(await foreign.catch((error) => error.code)).toBe("InvalidArgument");
});

test("an earlier version in the group is asked for no streams, and makes the same rows", async () => {
  const b = await Bucket.open(1);
  const stream = { filename: "a", chunkSizeBytes: 4 };
  const content = { blob: 900 as BlobId, lengthBytes: 0, registered: 0, chunks: [] };
  const commands: AnyCommand[] = [
    { type: "putObject", bucket, key: "k", content, attributes: { etag: "", stream } },
    { type: "createUpload", bucket, key: "k", attributes: { stream } },
    { type: "describeObject", bucket, key: "k", change: { stream } },
  ];
  for (const command of commands)
    expect(() => encodeFor(b.state, command)).toThrow("runs an earlier version");
  // Let through by a leader of the version before, it gets no row that the others do not make.
  await b.put("k", "a");
  expect(await streams(b.state, { bucket, filename: "a", after: "", limit: 9 })).toEqual({
    streams: [],
  });
});

test("a stream may be larger than one PUT of S3", async () => {
  const b = await Bucket.open();
  const block = 7 as BlockId;
  const members = ["device" as DeviceId];
  await b.run({ type: "addBlock", block, generation: 1, pool: 0, members });
  const blob = 900 as BlobId;
  const lengthBytes = limits.needleBytes;
  const count = limits.putBytes / lengthBytes + 1;
  for (let first = 0; first < count; first += limits.commandChunks) {
    const ids = Array.from({ length: Math.min(limits.commandChunks, count - first) });
    const chunks = ids.map((_, i) => {
      const needle = BigInt(first + i + 1) as NeedleId;
      return { block, needle, lengthBytes, crc32c: 0 };
    });
    await b.run({ type: "addChunks", blob, first, chunks });
  }
  const whole = { blob, lengthBytes: count * lengthBytes, registered: count, chunks: [] };
  const put = { type: "putObject", bucket, key: "k", content: whole } as const;
  const asObject = b.run({ ...put, attributes: { etag: "" } });
  expect(await asObject.catch((error) => error.code)).toBe("TooLarge");
  await b.run({ ...put, attributes: { etag: "", stream: { filename: "a", chunkSizeBytes: 1 } } });
  expect(await b.keys("a")).toEqual(["k"]);
  await b.remove("k");
  expect(await b.keys("a")).toEqual([]);
});
