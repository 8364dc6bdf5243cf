/** The grammar of `choose_args` blocks; see `grammar.ts`. */
import * as read from "./scanner.ts";
import { many, type Scanner, tried } from "./scanner.ts";
import type { ChooseArgsBlock } from "./syntax.ts";

export function parseChooseArgs(s: Scanner): ChooseArgsBlock | undefined {
  const index = read.word(s, "choose_args") ? read.natural(s) : undefined;
  if (index === undefined || !read.word(s, "{")) return undefined;
  const buckets = many(s, bucketArgs);
  return read.word(s, "}") ? { kind: "choose_args", index, buckets } : undefined;
}

function bucketArgs(s: Scanner): ChooseArgsBlock["buckets"][number] | undefined {
  if (!read.word(s, "{") || !read.word(s, "bucket_id")) return undefined;
  const bucketId = read.negative(s);
  if (bucketId === undefined) return undefined;
  const weightSets = tried(s, () => {
    if (!read.word(s, "weight_set")) return undefined;
    return bracketed(s, (inner) => bracketed(inner, read.real));
  });
  const ids = tried(s, () => (read.word(s, "ids") ? bracketed(s, read.integer) : undefined));
  return read.word(s, "}") ? { bucketId, weightSets, ids } : undefined;
}

function bracketed<T>(s: Scanner, one: (scanner: Scanner) => T | undefined): T[] | undefined {
  if (!read.word(s, "[")) return undefined;
  const found = many(s, one);
  return read.word(s, "]") ? found : undefined;
}
