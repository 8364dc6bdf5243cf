import { describe, expect, test } from "vitest";
import { assert } from "../../base/errors.ts";
import type { BlobId, BlockId, NeedleId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import { seededRandom } from "../../base/random.ts";
import type { NewBlob } from "../../rpc/commands.ts";
import type { Slice } from "../../rpc/objects.ts";
import { allOf, audit } from "../../test/metadata/audit.ts";
import { commandEntry } from "../../test/metadata/command-entry.ts";
import { RandomCommands } from "../../test/metadata/random-commands.ts";
import type { AnyCommand, AnyResult } from "../command.ts";
import { chunkRun } from "../queries/content.ts";
import { lookup } from "../queries/lookup.ts";
import { StateMachine } from "../state-machine.ts";
import { MemoryState } from "../state-memory.ts";

const bucket = "b";
const CHUNK = 7;

/** A state, and beside it a model that holds every object as a list of bytes, each named by its birth. */
class Scene {
  readonly state = new MemoryState();
  readonly machine = new StateMachine(this.state);
  readonly models = new Map<string, readonly string[]>();
  readonly #written = new Map<NeedleId, readonly string[]>();
  readonly #random;
  #blob = 0;
  #needle = 0n;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  below(end: number): number {
    return this.#random.u32() % end;
  }

  async run(command: AnyCommand): Promise<AnyResult> {
    const index = this.machine.applied + 1;
    const [outcome] = await this.machine.applyRun([commandEntry(index, 1000 * index, command)]);
    if (outcome === undefined || "refusal" in outcome) throw outcome?.refusal;
    return outcome.result;
  }

  async open(versioning?: "enabled"): Promise<this> {
    await this.run({ type: "configure", holdMs: 0, pendingMs: 1000 });
    await this.run({ type: "leaseBlobs", count: 4096 });
    const block = 1 as BlockId;
    await this.run({ type: "addBlock", block, generation: 1, pool: 0, members: [] });
    const settings = versioning === undefined ? {} : { settings: { versioning } };
    await this.run({ type: "createBucket", bucket, owner: "me", ...settings });
    return this;
  }

  /** A new blob of these bytes, or of so many new ones. */
  write(what: number | readonly string[]): { bytes: readonly string[]; content: NewBlob } {
    const blob = ++this.#blob as BlobId;
    const bytes =
      typeof what === "number" ? Array.from({ length: what }, (_, i) => `${blob}:${i}`) : what;
    const chunks = [];
    for (let at = 0; at < bytes.length; at += CHUNK) {
      const held = bytes.slice(at, at + CHUNK);
      const needle = this.#needle++ as NeedleId;
      this.#written.set(needle, held);
      chunks.push({ block: 1 as BlockId, needle, lengthBytes: held.length, crc32c: 0 });
    }
    return { bytes, content: { blob, lengthBytes: bytes.length, registered: 0, chunks } };
  }

  model(key: string): readonly string[] {
    const model = this.models.get(key);
    assert(model !== undefined, "a model of what is stored");
    return model;
  }

  async put(key: string, length: number): Promise<void> {
    const { bytes, content } = this.write(length);
    await this.run({ type: "putObject", bucket, key, content, attributes: { etag: "e" } });
    this.models.set(key, bytes);
  }

  async copy(from: string, to: string): Promise<void> {
    const { object } = await lookup(this.state, { bucket, key: from });
    const seen = { etag: object.attributes.etag, modifiedMs: object.modifiedMs };
    const source = { bucket, key: from, seen };
    await this.run({ type: "copyObject", bucket, key: to, source, change: {} });
    this.models.set(to, this.model(from));
  }

  /** Joins first when it must. */
  async splice(key: string, added: number, keep?: number, from?: number): Promise<void> {
    const { bytes, content } = this.write(added);
    const range = { ...(keep !== undefined && { keep }), ...(from !== undefined && { from }) };
    const splice = () =>
      this.run({
        type: "spliceObject",
        ...{ bucket, key, ...range },
        ...(added > 0 && { content }),
      });
    await splice().catch(async (error: unknown) => {
      expect(error).toMatchObject({ code: "TooManySlices" });
      await this.join(key, limits.splicedSlices / 2);
      await splice();
    });
    const old = this.model(key);
    const { length } = old;
    this.models.set(key, [...old.slice(0, keep ?? length), ...bytes, ...old.slice(from ?? length)]);
  }

  async slices(key: string): Promise<readonly Slice[]> {
    const { pin } = await lookup(this.state, { bucket, key });
    return pin.slices;
  }

  /** Puts one blob in the place of a run of slices. */
  async join(key: string, count: number): Promise<void> {
    const slices = await this.slices(key);
    const first = this.below(Math.max(1, slices.length - count));
    const joins = slices.slice(first, first + count);
    const sum = (some: readonly Slice[]) => some.reduce((all, one) => all + one.lengthBytes, 0);
    const keep = sum(slices.slice(0, first));
    const from = keep + sum(joins);
    const { content } = this.write(this.model(key).slice(keep, from));
    await this.run({ type: "spliceObject", bucket, key, keep, from, content, joins });
  }

  async read(key: string): Promise<string[]> {
    const { pin, run, object } = await lookup(this.state, { bucket, key, offset: 0 });
    const bytes: string[] = [];
    for (let next = run; bytes.length < object.lengthBytes; ) {
      assert(next !== undefined && next.end > bytes.length, "a run goes on");
      for (const { needle, from, usedBytes } of next.chunks)
        bytes.push(...(this.#written.get(needle) ?? []).slice(from, from + usedBytes));
      next = chunkRun(this.state, pin, bytes.length);
    }
    return bytes;
  }

  async chores(): Promise<void> {
    for (const chore of await RandomCommands.chores(this.state)) await this.run(chore);
  }

  async check(): Promise<void> {
    for (const [key, bytes] of this.models) {
      expect(await this.read(key)).toEqual(bytes);
      expect((await this.slices(key)).length).toBeLessThanOrEqual(limits.splicedSlices);
    }
    await audit(this.state, this.machine.digest);
  }
}

describe("splicing", () => {
  test.each([
    [1, undefined],
    [2, undefined],
    [3, "enabled"],
    [4, "enabled"],
  ] as const)("holds what a list of bytes holds (seed %i, versions %s)", async (seed, versions) => {
    const scene = await new Scene(seed).open(versions);
    const there = () => [...scene.models.keys()][scene.below(scene.models.size)] ?? "";
    await scene.put("k0", 40);
    for (let i = 0; i < 400; i++) {
      const key = there();
      const { length } = scene.models.get(key) ?? [];
      const keep = scene.below(length + 1);
      const what = scene.below(16);
      if (scene.models.size === 0 || what === 0) await scene.put(`k${scene.below(4)}`, 30);
      else if (what < 6) await scene.splice(key, 1 + scene.below(20));
      else if (what < 10) await scene.splice(key, 5, keep, Math.min(length, keep + 5));
      else if (what === 10) await scene.splice(key, 0, keep);
      else if (what === 11) await scene.splice(key, 3, keep, keep + scene.below(length - keep + 9));
      else if (what === 12) await scene.copy(key, `k${scene.below(4)}`);
      else if (what === 13 && length > 0) await scene.join(key, 1 + scene.below(9));
      else if (what === 14) {
        await scene.run({ type: "deleteObject", bucket, key });
        scene.models.delete(key);
      } else await scene.chores();
      if (i % 20 === 0) await scene.check();
    }
    await scene.check();
    if (versions === "enabled") return;
    for (const key of scene.models.keys()) await scene.run({ type: "deleteObject", bucket, key });
    for (let round = 0; round < 4; round++) await scene.chores();
    expect(await allOf(scene.state, "blob")).toEqual([]);
  });

  test("a description stays, what was computed of all bytes goes; no two contents have one ETag", async () => {
    const scene = await new Scene(5).open();
    const { content } = scene.write(10);
    const attributes = {
      ...{ etag: "e", contentType: "text/plain", userMetadata: { a: "1" } },
      checksum: { algorithm: "CRC32", value: "AAAAAA==", type: "FULL_OBJECT" },
    } as const;
    await scene.run({ type: "putObject", bucket, key: "k", content, attributes });
    const etags = new Set<string>();
    for (let i = 0; i < 3; i++) {
      const more = scene.write(1).content;
      await scene.run({ type: "spliceObject", bucket, key: "k", content: more });
      const { attributes: now } = (await lookup(scene.state, { bucket, key: "k" })).object;
      expect(now).toEqual({
        etag: expect.stringMatching(/^[0-9a-f]{32}-1$/),
        contentType: "text/plain",
        userMetadata: { a: "1" },
      });
      etags.add(now.etag);
    }
    expect(etags.size).toBe(3);
  });

  test("a join keeps version, time and ETag, and is refused when other bytes stand there", async () => {
    const scene = await new Scene(6).open();
    await scene.put("k", 4);
    for (let i = 0; i < 4; i++) await scene.splice("k", 2);
    const before = (await lookup(scene.state, { bucket, key: "k" })).object;
    const slices = await scene.slices("k");
    await scene.join("k", 4);
    expect((await lookup(scene.state, { bucket, key: "k" })).object).toEqual(before);
    await scene.check();
    const { content } = scene.write(6);
    const late = { type: "spliceObject", bucket, key: "k", keep: 4, from: 10 } as const;
    const joins = slices.slice(1, 4);
    await expect(scene.run({ ...late, content, joins })).rejects.toMatchObject({ code: "Changed" });
    const wrong = scene.write(5).content;
    await expect(scene.run({ ...late, content: wrong, joins })).rejects.toThrow(/as many bytes/);
    await scene.check();
  });

  test("a linked fid whose slices are joined lets go of its list, once", async () => {
    const scene = await new Scene(8).open();
    await scene.put("k", 4);
    for (let i = 0; i < 4; i++) await scene.splice("k", 2);
    const { attributes, modifiedMs } = (await lookup(scene.state, { bucket, key: "k" })).object;
    const source = { bucket, key: "k", seen: { etag: attributes.etag, modifiedMs } };
    const list = scene.write(CHUNK).content;
    await scene.run({ type: "copyObject", bucket, key: "fid", source, change: {}, list });
    scene.models.set("fid", scene.model("k"));
    await scene.join("fid", 3);
    await scene.check();
    await scene.run({ type: "deleteObject", bucket, key: "fid" });
    await scene.run({ type: "deleteObject", bucket, key: "k" });
    scene.models.clear();
    await scene.check();
    for (let round = 0; round < 4; round++) await scene.chores();
    expect(await allOf(scene.state, "blob")).toEqual([]);
  });

  test("what cannot be is refused and leaves nothing", async () => {
    const scene = await new Scene(7).open();
    await scene.put("k", 10);
    const splice = (range: object) =>
      scene.run({ type: "spliceObject", bucket, key: "k", ...range });
    for (const range of [{ keep: 11 }, { keep: -1 }, { keep: 1.5 }, { keep: 5, from: 4 }])
      await expect(splice(range)).rejects.toMatchObject({ code: "InvalidArgument" });
    await expect(splice({ key: "other" })).rejects.toMatchObject({ code: "NoSuchKey" });
    const seen = { etag: "other", modifiedMs: 1 };
    await expect(splice({ seen })).rejects.toMatchObject({ code: "Changed" });
    await expect(splice({ conditions: { ifLengthBytes: 9 } })).rejects.toMatchObject({
      code: "ConditionFailed",
    });
    await scene.run({ type: "configureBucket", bucket, change: { quota: { bytes: 12 } } });
    const { content } = scene.write(3);
    await expect(splice({ content })).rejects.toMatchObject({ code: "QuotaExceeded" });
    await splice({ content, keep: 9 });
    expect((await lookup(scene.state, { bucket, key: "k" })).object.lengthBytes).toBe(12);
    scene.models.set("k", [
      ...scene.model("k").slice(0, 9),
      ...[0, 1, 2].map((i) => `${content.blob}:${i}`),
    ]);
    await scene.check();
  });
});
