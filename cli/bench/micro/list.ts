/** Pages of a listing out of the metadata, beside a bare walk over as many rows of LevelDB. */
import { join } from "node:path";
import { Level } from "level";
import { type Micro, OURS } from "./micro.ts";
import { BUCKET, keyOf, openNames } from "./names.ts";

const OBJECTS = 20_000;
const PAGE_KEYS = 1000;
const AT_ONCE = 512;
const ROW = JSON.stringify({
  etag: "9e107d9d372bb6826bd81d3542a419d6",
  lengthBytes: 4096,
  atMs: 1,
});

export const list: Micro = {
  what: "pages of 1,000 keys beside a walk over rows of LevelDB",
  async open(folder) {
    await using stack = new AsyncDisposableStack();
    const { names, put } = stack.use(await openNames(join(folder, "names")));
    for (let done = 0; done < OBJECTS; done += AT_ONCE)
      await Promise.all(Array.from({ length: Math.min(AT_ONCE, OBJECTS - done) }, put));
    const level = new Level(join(folder, "level"));
    await level.open();
    stack.defer(() => level.close());
    const keys = Array.from({ length: OBJECTS }, (_, n) => keyOf(n));
    await level.batch(keys.map((key) => ({ type: "put", key, value: ROW })));
    let page = 0;
    const starts = keys.toSorted().filter((_, n) => n % PAGE_KEYS === 0 && n + PAGE_KEYS < OBJECTS);
    const after = () => starts[page++ % starts.length] ?? "";
    const ours = async () => {
      const wanted = { bucket: BUCKET, prefix: "", delimiter: "", after: after() };
      const { objects } = await names.list({ ...wanted, limit: PAGE_KEYS });
      if (objects.length !== PAGE_KEYS) throw new Error(`${objects.length} keys came`);
    };
    const theirs = async () => {
      const walk = level.iterator({ gt: after(), limit: PAGE_KEYS });
      const rows = (await walk.all()).map(([key, value]) => [key, JSON.parse(value)] as const);
      if (rows.length !== PAGE_KEYS) throw new Error(`${rows.length} rows came`);
    };
    const ways = [
      { name: OURS, run: ours },
      { name: "LevelDB", run: theirs },
    ];
    const owned = stack.move();
    return {
      cases: [{ name: "list-1000", lanes: 1, keys: PAGE_KEYS, ways }],
      [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose](),
    };
  },
};
