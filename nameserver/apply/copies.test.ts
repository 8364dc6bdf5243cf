import { describe, expect, test } from "vitest";
import { assert } from "../../base/errors.ts";
import type { BlobId, BlockId, NeedleId } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import { type Random, seededRandom } from "../../base/random.ts";
import type { CopySource } from "../../rpc/commands.ts";
import type { Chunk } from "../../rpc/objects.ts";
import { allOf, audit } from "../../test/metadata/audit.ts";
import { commandEntry } from "../../test/metadata/command-entry.ts";
import { RandomCommands } from "../../test/metadata/random-commands.ts";
import type { AnyCommand, AnyResult } from "../command.ts";
import { chunkRun } from "../queries/content.ts";
import { lookup } from "../queries/lookup.ts";
import { objectParts } from "../queries/object-parts.ts";
import { StateMachine } from "../state-machine.ts";
import { MemoryState } from "../state-memory.ts";

/** Lengths and offsets are multiples of it, so that a model can hold content as a list of units. */
const UNIT = 2.5 * 1024 * 1024;
const CHUNK_UNITS = 3;
const PART_UNITS = limits.partBytesMin / UNIT;
const bucket = "b";

/** The bytes of an object: each unit by where it was written first. */
interface Model {
  readonly units: readonly string[];
  /** Units of each part. */
  readonly parts?: readonly number[];
}

class Store {
  readonly state = new MemoryState();
  readonly #machine = new StateMachine(this.state);
  readonly random: Random;
  readonly models = new Map<string, Model>();
  #blob = 0;
  #needle = 0n;
  /** The units of each chunk, by its needle. */
  readonly #written = new Map<NeedleId, readonly string[]>();

  constructor(seed: number) {
    this.random = seededRandom(seed);
  }

  below(end: number): number {
    return this.random.u32() % end;
  }

  async run(command: AnyCommand): Promise<AnyResult> {
    const index = this.#machine.applied + 1;
    const [outcome] = await this.#machine.applyRun([commandEntry(index, 1000 * index, command)]);
    if (outcome === undefined || "refusal" in outcome) throw outcome?.refusal;
    return outcome.result;
  }

  async open(): Promise<this> {
    await this.run({ type: "configure", holdMs: 0, pendingMs: 1000 });
    await this.run({ type: "leaseBlobs", count: 4096 });
    const block = 1 as BlockId;
    await this.run({ type: "addBlock", block, generation: 1, pool: 0, members: [] });
    await this.run({ type: "createBucket", bucket, owner: "me" });
    return this;
  }

  /** New content of so many units, of chunks of up to three. */
  write(units: number) {
    const blob = ++this.#blob as BlobId;
    const names = Array.from({ length: units }, (_, i) => `${blob}:${i}`);
    const chunks: Chunk[] = [];
    for (let at = 0; at < units; at += CHUNK_UNITS) {
      const held = names.slice(at, at + CHUNK_UNITS);
      const needle = this.#needle++ as NeedleId;
      this.#written.set(needle, held);
      chunks.push({ block: 1 as BlockId, needle, lengthBytes: held.length * UNIT, crc32c: 0 });
    }
    return { names, content: { blob, lengthBytes: units * UNIT, registered: 0, chunks } };
  }

  async put(key: string, units: number): Promise<void> {
    const { names, content } = this.write(units);
    await this.run({ type: "putObject", bucket, key, content, attributes: { etag: `e${key}` } });
    this.models.set(key, { units: names });
  }

  async source(key: string): Promise<CopySource> {
    const { object } = await lookup(this.state, { bucket, key });
    const { modifiedMs, attributes } = object;
    return { bucket, key, seen: { etag: attributes.etag, modifiedMs } };
  }

  async copy(from: string, to: string): Promise<void> {
    const source = await this.source(from);
    await this.run({ type: "copyObject", bucket, key: to, source, change: {} });
    this.models.set(to, this.model(from));
  }

  model(key: string): Model {
    const model = this.models.get(key);
    assert(model !== undefined, "a model of what is stored");
    return model;
  }

  async remove(key: string): Promise<void> {
    await this.run({ type: "deleteObject", bucket, key });
    this.models.delete(key);
  }

  async begin(key: string): Promise<string> {
    const begun = await this.run({ type: "createUpload", bucket, key, attributes: {} });
    return begun.type === "upload" ? begun.upload : "";
  }

  /** A part from a range of an object. */
  async copyPart(
    at: { readonly key: string; readonly upload: string; readonly part: number },
    from: string,
    start: number,
    units: number,
  ): Promise<readonly string[]> {
    const source = await this.source(from);
    const range = { offset: start * UNIT, lengthBytes: units * UNIT };
    await this.run({ type: "putPartCopy", bucket, ...at, source, range, etag: `p${at.part}` });
    return this.model(from).units.slice(start, start + units);
  }

  async complete(key: string, upload: string, parts: readonly (readonly string[])[]) {
    let staged = 0;
    while (staged < parts.length) {
      const rest = parts.slice(staged).map((_, i) => staged + i + 1);
      const named = rest.map((part) => ({ part, etag: `p${part}` }));
      const at = { bucket, key, upload };
      const result = await this.run({ type: "stageParts", ...at, staged, parts: named });
      assert(result.type === "staged" && result.staged > staged, "staging goes on");
      staged = result.staged;
    }
    const etag = `e${key}-${staged}`;
    await this.run({ type: "completeUpload", bucket, key, upload, staged, etag });
    this.models.set(key, { units: parts.flat(), parts: parts.map((part) => part.length) });
  }

  /** Parts that came with their bytes and parts copied from what is there. */
  async multipart(key: string, count: number): Promise<void> {
    const upload = await this.begin(key);
    const sources = [...this.models.keys()];
    const parts: (readonly string[])[] = [];
    for (let part = 1; part <= count; part++) {
      const least = part < count ? PART_UNITS : this.below(2);
      const from = sources[this.below(sources.length)] ?? "";
      const there = this.models.get(from)?.units.length ?? 0;
      if (this.below(4) > 0 && there > least) {
        const units = least + this.below(there - least);
        const start = this.below(there - units + 1);
        parts.push(await this.copyPart({ key, upload, part }, from, start, units));
      } else {
        const { names, content } = this.write(least + this.below(3));
        const at = { bucket, key, upload, part };
        await this.run({ type: "putPart", ...at, content, etag: `p${part}` });
        parts.push(names);
      }
    }
    await this.complete(key, upload, parts);
  }

  async chores(): Promise<void> {
    for (const chore of await RandomCommands.chores(this.state)) await this.run(chore);
  }

  /** The units that chunk runs give from an offset on. */
  async read(key: string, offset: number, part?: number): Promise<string[]> {
    const asked = { bucket, key, offset, ...(part !== undefined && { part }) };
    const { pin, run, object, span } = await lookup(this.state, asked);
    const end = span === undefined ? object.lengthBytes : span.offset + span.lengthBytes;
    const units: string[] = [];
    let at = (span?.offset ?? 0) + offset;
    for (let next = run; at < end; next = chunkRun(this.state, pin, at)) {
      assert(next !== undefined && next.end > at && next.offset <= at, "a run covers its offset");
      let chunkStart = next.offset;
      for (const { needle, from, usedBytes } of next.chunks) {
        const first = from + Math.max(0, at - chunkStart);
        const last = Math.min(from + usedBytes, from + end - chunkStart);
        if (last > first)
          units.push(...(this.#written.get(needle) ?? []).slice(first / UNIT, last / UNIT));
        chunkStart += usedBytes;
      }
      at = next.end;
    }
    return units;
  }

  async audit(): Promise<void> {
    await audit(this.state, this.#machine.digest);
  }

  async check(key: string): Promise<void> {
    const { units, parts } = this.model(key);
    const start = this.below(units.length + 1);
    expect(await this.read(key, start * UNIT)).toEqual(units.slice(start));
    const after = this.below((parts?.length ?? 0) + 1);
    const found = await objectParts(this.state, { bucket, key, after, limit: 3 });
    const wanted = (parts ?? []).map((length, i) => ({
      part: i + 1,
      offset: (parts ?? []).slice(0, i).reduce((sum, one) => sum + one, 0) * UNIT,
      lengthBytes: length * UNIT,
    }));
    expect(found.parts).toEqual(wanted.slice(after, after + 3));
    expect(found.truncated).toBe(after + 3 < wanted.length);
    expect(found.object.parts).toBe(parts?.length);
    const part = 1 + this.below(parts?.length ?? 1);
    const { offset, lengthBytes } = wanted[part - 1] ?? { offset: 0, lengthBytes: Infinity };
    expect(await this.read(key, 0, part)).toEqual(
      units.slice(offset / UNIT, (offset + lengthBytes) / UNIT),
    );
    await expect(
      lookup(this.state, { bucket, key, part: (parts?.length ?? 1) + 1 }),
    ).rejects.toThrow(/no part/);
  }

  async checkAll(): Promise<void> {
    for (const key of this.models.keys()) await this.check(key);
    await this.audit();
  }
}

describe("copies", () => {
  test.each([1, 2, 3, 4, 5, 6])(
    "random copies hold what a simple model holds (seed %i)",
    async (seed) => {
      const store = await new Store(seed).open();
      const key = () => `k${store.below(6)}`;
      const there = () => [...store.models.keys()][store.below(store.models.size)] ?? "";
      await store.put("k0", 40);
      for (let i = 0; i < 120; i++) {
        const what = store.below(10);
        if (store.models.size < 2 || what < 2) await store.put(key(), store.below(60));
        else if (what < 5) await store.copy(there(), key());
        else if (what < 8) await store.multipart(key(), 1 + store.below(6));
        else if (what === 8) await store.remove(there());
        else await store.chores();
        if (i % 10 === 0) await store.checkAll();
      }
      await store.checkAll();
      for (const name of [...store.models.keys()]) await store.remove(name);
      // Each round lets go of one page of each content, and of what the round before let go of.
      for (let round = 0; round < 10; round++) await store.chores();
      await store.checkAll();
      expect(await allOf(store.state, "blob")).toEqual([]);
    },
  );

  test("parts of many slices, over the pages of a content", async () => {
    const store = await new Store(7).open();
    await store.put("a", PART_UNITS);
    await store.put("b", PART_UNITS);
    const joining = await store.begin("ab");
    const ab = [
      await store.copyPart({ key: "ab", upload: joining, part: 1 }, "a", 0, PART_UNITS),
      await store.copyPart({ key: "ab", upload: joining, part: 2 }, "b", 0, PART_UNITS),
    ];
    await store.complete("ab", joining, ab);
    // 40 parts of the end of a and the beginning of b: 80 slices, none of which can be joined.
    const upload = await store.begin("woven");
    const parts: (readonly string[])[] = [];
    for (let part = 1; part <= 40; part++)
      parts.push(await store.copyPart({ key: "woven", upload, part }, "ab", 1, PART_UNITS));
    await store.complete("woven", upload, parts);
    // 30 parts of some 50 slices each: six pages, in which parts go on from one page to the next.
    const again = await store.begin("cloth");
    const cloth: (readonly string[])[] = [];
    const whole = store.model("woven").units.length;
    for (let part = 1; part <= 30; part++)
      cloth.push(
        await store.copyPart(
          { key: "cloth", upload: again, part },
          "woven",
          part,
          whole - 2 * part,
        ),
      );
    await store.complete("cloth", again, cloth);
    await store.copy("cloth", "copy");
    for (let i = 0; i < 40; i++) await store.check(i % 2 ? "cloth" : "copy");
    // That many slices are too many for one part.
    const third = await store.begin("tapestry");
    const units = store.model("cloth").units.length;
    const at = { key: "tapestry", upload: third, part: 1 };
    await expect(store.copyPart(at, "cloth", 0, units)).rejects.toThrow(/smaller parts/);
    await store.copyPart(at, "cloth", 3, Math.floor(units / 2));
    await store.checkAll();
    await store.remove("cloth");
    for (let round = 0; round < 10; round++) await store.chores();
    await store.check("copy");
    await store.checkAll();
  });

  test("a source that was replaced is not copied", async () => {
    const store = await new Store(8).open();
    await store.put("a", 3);
    const source = await store.source("a");
    await store.put("a", 4);
    const copying = store.run({ type: "copyObject", bucket, key: "c", source, change: {} });
    await expect(copying).rejects.toMatchObject({ code: "Changed" });
    const upload = await store.begin("c");
    const part = store.run({
      type: "putPartCopy",
      ...{ bucket, key: "c", upload, part: 1, source, etag: "p1" },
    });
    await expect(part).rejects.toMatchObject({ code: "Changed" });
    await store.checkAll();
  });

  test("attributes change as asked for; a new checksum makes one run of bytes of many parts", async () => {
    const store = await new Store(9).open();
    await store.put("a", PART_UNITS);
    await store.multipart("m", 3);
    const { checksum, ...plain } = {
      checksum: { algorithm: "CRC32", value: "x", type: "FULL_OBJECT" },
      contentType: "text/plain",
      tags: { a: "1" },
    } as const;
    const copy = async (change: object) => {
      const source = await store.source("m");
      const result = await store.run({ type: "copyObject", bucket, key: "m", source, change });
      return { result, object: (await lookup(store.state, { bucket, key: "m" })).object };
    };
    const first = await copy(plain);
    expect(first.object).toMatchObject({ parts: 3, attributes: { etag: "em-3", ...plain } });
    const second = await copy({ checksum, tags: null });
    expect(second.object.parts).toBeUndefined();
    expect(second.object.attributes).toEqual({ etag: "em-3", contentType: "text/plain", checksum });
    expect(second.result).toMatchObject({ type: "copied", etag: "em-3", checksum });
    store.models.set("m", { units: store.model("m").units });
    await store.checkAll();
  });
});

describe("a linked fid copied onto itself", () => {
  test.each([
    [undefined, 1],
    ["suspended", 1],
    ["enabled", 0],
  ] as const)("with versions %s is one still: %i", async (versioning, linked) => {
    const store = await new Store(9).open();
    await store.put("k", 4);
    if (versioning !== undefined)
      await store.run({ type: "configureBucket", bucket, change: { versioning } });
    const { content: list } = store.write(1);
    const link = { type: "copyObject", bucket, key: "fid", change: {} } as const;
    await store.run({ ...link, source: await store.source("k"), list });
    const anew = { ...link, change: { userMetadata: { a: "1" } } };
    for (let i = 0; i < 2; i++) await store.run({ ...anew, source: await store.source("fid") });
    const { object } = await lookup(store.state, { bucket, key: "fid" });
    expect([object.attributes.userMetadata, object.linked ?? false]).toEqual([
      { a: "1" },
      linked === 1,
    ]);
    const other = { type: "copyObject", bucket, key: "other", change: {} } as const;
    await store.run({ ...other, source: await store.source("fid") });
    expect((await lookup(store.state, { bucket, key: "other" })).object.linked).toBe(undefined);
    await store.audit();
    if (versioning === "enabled") return;
    await store.run({ type: "deleteObject", bucket, key: "fid", version: "null" });
    for (const key of ["k", "other"]) await store.run({ type: "deleteObject", bucket, key });
    for (let round = 0; round < 4; round++) await store.chores();
    await store.audit();
    if (versioning === undefined) expect(await allOf(store.state, "blob")).toEqual([]);
  });
});
