/** Ends what was kept for a time: blobs that got no name, names that were held after their deletion. */
import type { BlobId } from "../../base/ids.ts";
import { type Key, KeyReader, tags, u56 } from "../keyspace.ts";
import { QueueCursor } from "./queue.ts";
import { logTime, type WorkContext, type Worker } from "./worker.ts";

/** Small enough that the blobs and rows touched stay within a command's keys. */
const ITEMS = 100;

const numbersOf = (key: Key): readonly [number, number] => {
  const reader = new KeyReader(key);
  return [reader.u56(), reader.u56()];
};

export function expirePending(context: WorkContext): Worker {
  const queue = new QueueCursor(context.group.state, "pendingQueue");
  return {
    name: "expiry of pending blobs",
    async step() {
      const due = await queue.next(ITEMS, tags.pendingQueue + u56(logTime(context) + 1));
      const items = due.map(({ key }) => {
        const [untilMs, blob] = numbersOf(key);
        return { untilMs, blob: blob as BlobId };
      });
      if (items.length > 0) await context.group.propose({ type: "expirePending", items });
      for (const { key } of due) queue.passed(key);
      return due.length === ITEMS;
    },
  };
}

export function expireTrash(context: WorkContext): Worker {
  const queue = new QueueCursor(context.group.state, "dueQueue");
  return {
    name: "expiry of deleted names",
    async step() {
      const due = await queue.next(ITEMS, tags.dueQueue + u56(logTime(context) + 1));
      const items = due.map(({ key }) => {
        const [dueMs, sequence] = numbersOf(key);
        return { dueMs, sequence };
      });
      if (items.length > 0) await context.group.propose({ type: "expireTrash", items });
      for (const { key } of due) queue.passed(key);
      return due.length === ITEMS;
    },
  };
}
