/** What watchers read before they follow: pieces of the state, each of one revision. */
import type { LogIndex } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { WatchedChange, WatchService, WatchTopic } from "../../rpc/watch-service.ts";
import {
  type Key,
  KeyReader,
  keys,
  laterKey,
  nameOf,
  prefixEnd,
  prefixOf,
  tags,
  textPrefix,
} from "../keyspace.ts";
import { read } from "../queries/read.ts";
import { decodeRow } from "../row-codec.ts";
import type { BucketRow, MapRow, NameRow } from "../rows.ts";
import { headOf } from "../state-machine.ts";
import type { StateReads, Stored } from "../state-store.ts";
import { bucketMade, putOf } from "./changes-of.ts";

type Request = Parameters<WatchService["entries"]>[0];
type Entries = Awaited<ReturnType<WatchService["entries"]>>;

/** What rows of a topic there are, and what each means to a watcher. */
interface Scan {
  readonly all: Key;
  /** What all keys of an entry's rows begin with. */
  readonly at: (name: string) => Key;
  readonly entry: (stored: Stored) => readonly WatchedChange[];
}

export async function entriesOf(view: StateReads, request: Request): Promise<Entries> {
  const { topic, after } = request;
  const revision = headOf(view)?.index ?? (0 as LogIndex);
  const scan = scanOf(view, topic, revision);
  if (scan === undefined) return { entries: [], revision, more: false };
  const limit = Math.min(Math.max(1, request.limit), limits.watchAnswer);
  const end = prefixEnd(scan.all);
  const from = after === undefined ? scan.all : laterKey(scan.all, prefixEnd(scan.at(after)));
  if (from >= end) return { entries: [], revision, more: false };
  await using cursor = view.range(from, end);
  const rows = await cursor.next(limit);
  return { entries: rows.flatMap(scan.entry), revision, more: rows.length === limit };
}

function scanOf(view: StateReads, topic: WatchTopic, revision: LogIndex): Scan | undefined {
  switch (topic.kind) {
    case "map":
      return {
        all: tags.map,
        at: keys.map,
        entry: ({ key, value }) => {
          const { epoch } = decodeRow<MapRow>(key, value);
          return [{ revision, type: "map", epoch }];
        },
      };
    case "buckets":
      return {
        all: topic.bucket === undefined ? tags.bucket : keys.bucket(topic.bucket),
        at: keys.bucket,
        entry: ({ key, value }) => [
          bucketMade(revision, new KeyReader(key).text(), decodeRow<BucketRow>(key, value)),
        ],
      };
    case "keys": {
      const { bucket: name, prefix } = topic;
      const bucket = read(view, keys.bucket(name))?.id;
      if (bucket === undefined) return undefined;
      return {
        all: prefixOf("current", bucket) + textPrefix(prefix),
        at: (key) => keys.current(bucket, key),
        entry: ({ key, value }) => [
          putOf(revision, name, nameOf(key), decodeRow<NameRow>(key, value)),
        ],
      };
    }
  }
}
