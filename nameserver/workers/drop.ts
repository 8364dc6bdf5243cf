/** Lets go of the parts of ended uploads and of the pages of content that nothing holds. */
import { limits } from "../../base/limits.ts";
import { type Key, KeyReader, keys, prefixEnd, tags, u56 } from "../keyspace.ts";
import { read } from "../queries/read.ts";
import { decodeRow } from "../row-codec.ts";
import type { DropRow } from "../rows.ts";
import { QueueCursor } from "./queue.ts";
import type { WorkContext, Worker } from "./worker.ts";

/** Looked at in one step. The command takes as many as its keys allow. */
const PARTS = 1000;

export function dropLeftovers(context: WorkContext): Worker {
  const queue = new QueueCursor(context.group.state, "dropQueue");
  return {
    name: "clean-up of uploads",
    async step() {
      const [entry] = await queue.next(1);
      if (entry === undefined) return false;
      const row = decodeRow<DropRow>(entry.key, entry.value);
      const queued = new KeyReader(entry.key).u56();
      if (row.kind === "upload") await dropSomeParts(context, queued, row.upload);
      else await dropLastPage(context, queued, row.content);
      if (read(context.group.state, keys.dropQueue(queued)) === undefined) queue.passed(entry.key);
      return true;
    },
  };
}

async function dropSomeParts(context: WorkContext, queued: number, upload: number) {
  const all: Key = tags.part + u56(upload);
  await using cursor = context.group.state.range(all, prefixEnd(all));
  const found = await cursor.next(PARTS + 1);
  const parts = found.slice(0, PARTS).map(({ key }) => new KeyReader(key, 8).u32());
  const last = found.length <= PARTS;
  await context.group.propose({ type: "dropParts", queued, parts, last });
}

async function dropLastPage(context: WorkContext, queued: number, content: number) {
  const slices = read(context.group.state, keys.content(content))?.slices ?? 0;
  const page = Math.ceil(slices / limits.slicesPerPage) - 1;
  await context.group.propose({ type: "dropContentPage", queued, page });
}
