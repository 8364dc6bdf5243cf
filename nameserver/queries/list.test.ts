import { describe, expect, test } from "vitest";
import type { LogIndex, VersionSequence } from "../../base/ids.ts";
import { seededRandom } from "../../base/random.ts";
import type { ListReply } from "../../rpc/name-service.ts";
import { keys } from "../keyspace.ts";
import { encodeRow } from "../row-codec.ts";
import { MemoryState } from "../state-memory.ts";
import { list } from "./list.ts";

const random = seededRandom(21);
const alphabet = ["\0", "\x01", "/", "a", "b", "\u00ff", "\uffff", "\u{10000}", "\u{10ffff}", "%"];
const word = (length: number) =>
  Array.from({ length }, () => alphabet[random.u32() % alphabet.length] ?? "").join("");
const compareUtf8 = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b));

async function stateWith(names: Iterable<string>): Promise<MemoryState> {
  const state = new MemoryState();
  const put = <Row>(key: string, row: Row) => {
    const keyBytes = Buffer.from(key, "latin1");
    return { key, keyBytes, value: encodeRow(keyBytes, row) };
  };
  const bucket = { id: 3, owner: "me", createdMs: 0, versioning: "off" };
  const row = (seq: number) => ({
    seq: seq as VersionSequence,
    ms: 1,
    length: 0,
    slices: [],
    attributes: { etag: "e" },
  });
  await state.write([
    put(keys.bucket("b"), { ...bucket, objects: 0, versions: 0, bytes: 0, uploads: 0 }),
    put(keys.current(2, "other"), row(1)),
    put(keys.current(4, "other"), row(1)),
    ...[...names].map((name, i) => put(keys.current(3, name), row(i as LogIndex))),
  ]);
  return state;
}

/** What S3 documents, said slowly: roll up, sort, cut. */
function naive(
  names: Iterable<string>,
  prefix: string,
  delimiter: string,
  after: string,
  limit: number,
) {
  const items = new Map<string, boolean>();
  for (const name of names) {
    if (!name.startsWith(prefix)) continue;
    const at = delimiter === "" ? -1 : name.indexOf(delimiter, prefix.length);
    if (at < 0) items.set(name, items.get(name) ?? false);
    else items.set(name.slice(0, at + delimiter.length), true);
  }
  const sorted = [...items]
    .sort(([a], [b]) => compareUtf8(a, b))
    .filter(([item]) => after === "" || compareUtf8(item, after) > 0);
  const page = sorted.slice(0, limit);
  return {
    objects: page.filter(([, rolled]) => !rolled).map(([item]) => item),
    prefixes: page.filter(([, rolled]) => rolled).map(([item]) => item),
    truncated: sorted.length > limit,
    last: page.at(-1)?.[0],
  };
}

const seen = ({ objects, prefixes, truncated, last }: ListReply) => ({
  objects: objects.map(({ key }) => key),
  prefixes,
  truncated,
  last,
});

describe("list", () => {
  test("agrees with a naive listing over random keys, prefixes, delimiters and markers", async () => {
    let rolled = 0;
    for (let round = 0; round < 30; round++) {
      const names = new Set(Array.from({ length: 60 }, () => word(1 + (random.u32() % 6))));
      const state = await stateWith(names);
      const all = [...names];
      for (let i = 0; i < 40; i++) {
        const prefix = random.u32() % 2 ? word(random.u32() % 3) : "";
        const delimiter = ["", "/", "a", "\u{10000}", "\0", "/a"][random.u32() % 6] ?? "";
        const some = all[random.u32() % all.length] ?? "";
        const after = ["", some, word(2), some.slice(0, 2)][random.u32() % 4] ?? "";
        if (!after.isWellFormed()) continue;
        const limit = 1 + (random.u32() % 20);
        const request = { bucket: "b", prefix, delimiter, after, limit };
        const reply = seen(await list(state, request));
        const wanted = naive(names, prefix, delimiter, after, limit);
        rolled += wanted.prefixes.length;
        expect(reply).toEqual(wanted.last === undefined ? { ...wanted, last: undefined } : wanted);
      }
    }
    expect(rolled).toBeGreaterThan(500);
  });

  test("pages join without a gap or a double", async () => {
    const names = new Set(Array.from({ length: 400 }, () => word(1 + (random.u32() % 7))));
    const state = await stateWith(names);
    for (const delimiter of ["", "/"]) {
      const found: string[] = [];
      for (let after = "", more = true; more; ) {
        const reply = await list(state, { bucket: "b", prefix: "", delimiter, after, limit: 7 });
        found.push(...reply.objects.map(({ key }) => key), ...reply.prefixes);
        more = reply.truncated;
        after = reply.last ?? "";
      }
      const { objects, prefixes } = naive(names, "", delimiter, "", 1e9);
      expect(found.sort()).toEqual([...objects, ...prefixes].sort());
    }
  });

  test("a limit of 0 asks for nothing", async () => {
    const state = await stateWith(["a"]);
    const request = { bucket: "b", prefix: "", delimiter: "", after: "", limit: 0 };
    expect(seen(await list(state, request))).toMatchObject({ objects: [], truncated: false });
  });
});
