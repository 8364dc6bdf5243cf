/** What a find asks the nameserver for, and what it keeps of it. */
import { expect, test } from "vitest";
import { seededRandom } from "../../base/random.ts";
import type { NameService } from "../../rpc/name-service.ts";
import type { StreamListRequest, StreamObject } from "../../rpc/streams.ts";
import { StreamFiles } from "./files.ts";
import type { Filter } from "./filter.ts";
import { type FindOptions, findFiles } from "./find.ts";

const random = seededRandom(1);
const objects = Array.from({ length: 3000 }, (_, i): StreamObject => {
  const stream = { filename: `f${i % 10}`, chunkSizeBytes: 1 };
  return {
    ...{ key: `k${String(i).padStart(4, "0")}`, version: "null", modifiedMs: i },
    ...{ lengthBytes: random.u32(), deleteMarker: false, attributes: { etag: "", stream } },
  };
});

/** Answers from `objects`, in pages as a nameserver does. */
function bucketOf() {
  const asked: string[] = [];
  const names: Pick<NameService, "streams" | "lookup"> = {
    streams: async ({ filename, after, limit }: StreamListRequest) => {
      asked.push(`${filename ?? "all"} ${limit}`);
      const named = objects.filter((one) => one.attributes.stream.filename === filename).reverse();
      const all = filename === undefined ? objects : named;
      const from = Number(after);
      const next = from + limit < all.length ? { next: String(from + limit) } : {};
      return { streams: all.slice(from, from + limit), ...next };
    },
    lookup: async ({ key }) => {
      asked.push(`key ${key}`);
      const object = objects.find((one) => one.key === key);
      if (object === undefined) throw new Error("no such key");
      return { object, pin: { bucket: 1, slices: [] } };
    },
  };
  const files = new StreamFiles(names as NameService, "b");
  const found = async (filter: Filter, options: FindOptions) => {
    const lengths: number[] = [];
    for await (const { length } of findFiles(files, filter, options)) lengths.push(length);
    return lengths;
  };
  return { asked, found };
}

const lengths = objects.map(({ lengthBytes }) => lengthBytes);

test("the largest few of many, in order", async () => {
  const sorted = [...lengths].sort((a, b) => b - a);
  const { found } = bucketOf();
  const options = { sort: { length: -1 }, skip: 3, limit: 40 } as const;
  expect(await found({}, options)).toEqual(sorted.slice(3, 43));
  expect(await found({}, { sort: { length: -1 } })).toEqual(sorted);
});

test("a filename is asked for by name, and no more of it than is wanted; ids by themselves", async () => {
  const { asked, found } = bucketOf();
  const named = lengths.filter((_, i) => i % 10 === 3).reverse();
  const newest = { sort: { uploadDate: -1 }, limit: 1 } as const;
  expect(await found({ filename: "f3" }, newest)).toEqual(named.slice(0, 1));
  expect(asked.splice(0)).toEqual(["f3 1"]);
  expect(await found({ filename: "f3" }, { sort: { uploadDate: 1 } })).toEqual(named.toReversed());
  expect(asked.splice(0)).toEqual(["f3 1", "f3 8", "f3 64", "f3 512"]);
  expect(await found({ _id: { $in: ["k0007", "k0009"] }, filename: "f7" }, {})).toEqual([
    lengths[7],
  ]);
  expect(asked).toEqual(["key k0007", "key k0009"]);
});
