import { describe, expect, test } from "vitest";
import type { VersionSequence } from "../../base/ids.ts";
import { seededRandom } from "../../base/random.ts";
import type { VersionListReply, VersionListRequest } from "../../rpc/name-service.ts";
import type { StateReader } from "../group/group.ts";
import { keys } from "../keyspace.ts";
import { encodeRow } from "../row-codec.ts";
import type { NameRow } from "../rows.ts";
import { MemoryState } from "../state-memory.ts";
import type { Change } from "../state-store.ts";
import { sequenceText, versionText } from "../version-id.ts";
import { lookup } from "./lookup.ts";
import { versions } from "./versions.ts";

const alphabet = ["\0", "\x01", "/", "a", "b", "\u00ff", "\uffff", "\u{10000}", "%"];
const compareUtf8 = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

class Chance {
  readonly #random: ReturnType<typeof seededRandom>;
  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }
  below(n: number): number {
    return this.#random.u32() % n;
  }
  pick<T>(from: readonly T[]): T {
    const one = from[this.below(from.length)];
    if (one === undefined) throw new Error("nothing to pick from");
    return one;
  }
  word(length: number): string {
    return Array.from({ length }, () => this.pick(alphabet)).join("");
  }
}

/** Rows of each name, newest first. */
type Names = ReadonlyMap<string, readonly NameRow[]>;

/** Names of up to four versions; sequences are spread over the names, as writes are. */
function randomNames(chance: Chance, count: number): Names {
  const names = new Map<string, NameRow[]>();
  for (let seq = 1; seq <= count; seq++) {
    const name =
      chance.below(3) === 0
        ? chance.word(1 + chance.below(5))
        : chance.pick([...names.keys(), "a"]);
    const rows = names.get(name) ?? [];
    const isNull = chance.below(3) === 0 && !rows.some((row) => row.isNull);
    const marker = chance.below(4) === 0;
    rows.unshift({
      seq: (seq * 1024) as VersionSequence,
      ms: seq,
      length: 0,
      slices: [],
      ...(isNull && { isNull }),
      ...(marker && { marker }),
      attributes: { etag: marker ? "" : "e" },
    });
    names.set(name, rows);
  }
  return names;
}

async function stateOf(names: Names): Promise<MemoryState> {
  const state = new MemoryState();
  const put = <Row>(key: string, row: Row): Change => {
    const keyBytes = Buffer.from(key, "latin1");
    return { key, keyBytes, value: encodeRow(keyBytes, row) };
  };
  const bucket = { id: 3, owner: "me", createdMs: 0, versioning: "enabled" };
  const changes = [
    put(keys.bucket("b"), { ...bucket, objects: 0, versions: 0, bytes: 0, uploads: 0 }),
  ];
  for (const id of [2, 3, 4])
    for (const [name, rows] of names)
      for (const [i, row] of rows.entries()) {
        const current = i === 0 && row.marker !== true;
        changes.push(put(current ? keys.current(id, name) : keys.version(id, name, row.seq), row));
        if (row.isNull === true && !current)
          changes.push(put(keys.nullVersion(id, name), { seq: row.seq }));
      }
  await state.write(changes);
  return state;
}

interface Item {
  readonly key: string;
  /** Absent: a prefix. */
  readonly row?: NameRow;
  readonly latest?: boolean;
}

/** What S3 documents, said slowly: roll up, sort, cut. */
function naive(names: Names, request: VersionListRequest) {
  const { prefix, delimiter, keyAfter, versionAfter, limit } = request;
  const items: Item[] = [];
  const prefixes = new Set<string>();
  for (const [name, rows] of names) {
    if (!name.startsWith(prefix)) continue;
    const at = delimiter === "" ? -1 : name.indexOf(delimiter, prefix.length);
    if (at >= 0) prefixes.add(name.slice(0, at + delimiter.length));
    else for (const [i, row] of rows.entries()) items.push({ key: name, row, latest: i === 0 });
  }
  for (const key of prefixes) items.push({ key });
  const markerRow = names
    .get(keyAfter)
    ?.find((row) => versionText(row) === versionAfter || sequenceText(row.seq) === versionAfter);
  const sorted = items
    .sort((a, b) => compareUtf8(a.key, b.key) || (b.row?.seq ?? 0) - (a.row?.seq ?? 0))
    .filter(({ key, row }) => {
      const order = compareUtf8(key, keyAfter);
      if (keyAfter === "" || order > 0) return true;
      return (
        order === 0 && versionAfter !== "" && row !== undefined && row.seq < (markerRow?.seq ?? 0)
      );
    });
  const page = sorted.slice(0, limit);
  return {
    versions: page.flatMap(({ key, row, latest }) =>
      row ? [[key, versionText(row), row.marker === true, latest]] : [],
    ),
    prefixes: page.flatMap(({ key, row }) => (row ? [] : [key])),
    truncated: sorted.length > limit,
  };
}

const seen = ({ versions: rows, prefixes, truncated }: VersionListReply) => ({
  versions: rows.map(({ key, version, deleteMarker, latest }) => [
    key,
    version,
    deleteMarker,
    latest,
  ]),
  prefixes,
  truncated,
});

const all = { bucket: "b", prefix: "", delimiter: "", keyAfter: "", versionAfter: "", limit: 1000 };

describe("versions", () => {
  test.each([1, 2, 3, 4, 5])("agree with a naive listing (seed %i)", async (seed) => {
    const chance = new Chance(seed);
    let rolled = 0;
    let within = 0;
    for (let round = 0; round < 12; round++) {
      const names = randomNames(chance, 90);
      const state = await stateOf(names);
      for (let i = 0; i < 40; i++) {
        const name = chance.pick([...names.keys()]);
        const delimiter = chance.pick(["", "", "/", "a", "\u{10000}", "\0", "/a"]);
        const prefix = chance.pick(["", "", chance.word(1), name.slice(0, 1)]);
        const keyAfter = chance.pick(["", name, name, chance.word(2)]);
        const rolledUp =
          delimiter !== "" &&
          keyAfter.startsWith(prefix) &&
          keyAfter.includes(delimiter, prefix.length);
        const row = names.get(keyAfter) && chance.pick(names.get(keyAfter) ?? []);
        const versionAfter =
          row === undefined || rolledUp
            ? ""
            : chance.pick(["", versionText(row), sequenceText(row.seq)]);
        if (!keyAfter.isWellFormed() || !prefix.isWellFormed()) continue;
        const limit = 1 + chance.below(20);
        const request = { bucket: "b", prefix, delimiter, keyAfter, versionAfter, limit };
        const wanted = naive(names, request);
        rolled += wanted.prefixes.length;
        if (versionAfter !== "") within++;
        expect(seen(await versions(state, request))).toEqual(wanted);
      }
    }
    expect(rolled).toBeGreaterThan(100);
    expect(within).toBeGreaterThan(100);
  });

  test.each(["", "/"])("pages join without a gap or a double (delimiter %j)", async (delimiter) => {
    const names = randomNames(new Chance(7), 500);
    const state = await stateOf(names);
    const wanted = naive(names, { ...all, delimiter, limit: 1e9 });
    for (const limit of [1, 2, 7]) {
      const found: unknown[] = [];
      const prefixes: string[] = [];
      let { keyAfter, versionAfter } = all;
      for (let more = true; more; ) {
        const reply = await versions(state, { ...all, delimiter, keyAfter, versionAfter, limit });
        found.push(...seen(reply).versions);
        prefixes.push(...reply.prefixes);
        more = reply.truncated;
        keyAfter = reply.last?.key ?? "";
        versionAfter = reply.last?.version ?? "";
      }
      expect(found).toEqual(wanted.versions);
      expect(prefixes).toEqual(wanted.prefixes);
    }
  });

  test("a page goes on where its marker stood, though that version was deleted since", async () => {
    const row = (seq: number): NameRow => ({
      seq: seq as VersionSequence,
      ms: 1,
      length: 0,
      slices: [],
      attributes: { etag: "e" },
    });
    const state = await stateOf(
      new Map([
        ["k", [row(5), row(3), row(1)]],
        ["l", [row(2)]],
      ]),
    );
    const from = async (versionAfter: string) =>
      seen(await versions(state, { ...all, keyAfter: "k", versionAfter })).versions.map(
        ([key, id]) => [key, Number.parseInt(String(id), 16)],
      );
    expect(await from(sequenceText(9))).toEqual([
      ["k", 5],
      ["k", 3],
      ["k", 1],
      ["l", 2],
    ]);
    expect(await from(sequenceText(4))).toEqual([
      ["k", 3],
      ["k", 1],
      ["l", 2],
    ]);
    // Where a null version stood is forgotten with it: rather once more than not at all.
    expect(await from("null")).toEqual([
      ["k", 5],
      ["k", 3],
      ["k", 1],
      ["l", 2],
    ]);
    await expect(from("what")).rejects.toMatchObject({ code: "InvalidArgument" });
  });

  test("the cost follows what is returned, not what is rolled up", async () => {
    const rows = (n: number): NameRow[] =>
      Array.from({ length: 50 }, (_, i) => ({
        seq: (n * 100 + 50 - i) as VersionSequence,
        ms: 1,
        length: 0,
        slices: [],
        attributes: { etag: "e" },
      }));
    const names = new Map(
      Array.from({ length: 40 }, (_, n) => [`${n % 4}/${n}`, rows(n)] as const),
    );
    const state = await stateOf(names);
    let read = 0;
    const counting: StateReader = {
      get: (key) => state.get(key),
      range: (from, to) => {
        const cursor = state.range(from, to);
        return {
          ...cursor,
          async next(count) {
            const found = await cursor.next(count);
            read += found.length;
            return found;
          },
          [Symbol.asyncDispose]: () => cursor[Symbol.asyncDispose](),
        };
      },
    };
    const { prefixes } = await versions(counting, { ...all, delimiter: "/" });
    expect(prefixes).toEqual(["0/", "1/", "2/", "3/"]);
    expect(read).toBeLessThan(50);
  });
});

describe("lookup", () => {
  test.each([11, 12, 13])(
    "finds what the listing shows, and the marker that hides (seed %i)",
    async (seed) => {
      const names = randomNames(new Chance(seed), 120);
      const state = await stateOf(names);
      for (const [key, rows] of names) {
        for (const row of rows) {
          const { object } = await lookup(state, { bucket: "b", key, version: versionText(row) });
          expect([object.modifiedMs, object.deleteMarker]).toEqual([row.ms, row.marker === true]);
          if (row.isNull === true)
            await expect(
              lookup(state, { bucket: "b", key, version: sequenceText(row.seq) }),
            ).rejects.toMatchObject({ code: "NoSuchVersion" });
        }
        const { object } = await lookup(state, { bucket: "b", key });
        expect([object.version, object.deleteMarker]).toEqual([
          versionText(rows[0] ?? ({} as NameRow)),
          rows[0]?.marker === true,
        ]);
      }
      await expect(lookup(state, { bucket: "b", key: "never there" })).rejects.toMatchObject({
        code: "NoSuchKey",
      });
    },
  );
});
