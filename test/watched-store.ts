/** A store with one large object, and what is seen of those who read it. */
import type { Store } from "../client/store.ts";
import { memoryStore } from "./memory-store.ts";

export interface Seen {
  givenBytes: number;
  /** Readings that were asked on behind their last byte: their memory is used again. */
  ended: number;
  /** Readings that are over, also those that were broken off. */
  over: number;
}

/** The object is `big` of `bucket`. */
export async function watchedStore(content: Uint8Array): Promise<{ store: Store; seen: Seen }> {
  const store = await memoryStore();
  await store.names.execute({ type: "createBucket", bucket: "bucket", owner: "user-1" });
  const bytes = (async function* () {
    yield content;
  })();
  await store.put({ bucket: "bucket", key: "big" }, { bytes }, () => ({ etag: "x" }));
  const seen: Seen = { givenBytes: 0, ended: 0, over: 0 };
  const watched: Store = {
    ...store,
    async open(target) {
      const opened = await store.open(target);
      return {
        ...opened,
        async *read(offset, lengthBytes) {
          try {
            for await (const view of opened.read(offset, lengthBytes)) {
              seen.givenBytes += view.length;
              yield view;
            }
            seen.ended++;
          } finally {
            seen.over++;
          }
        },
      };
    },
  };
  return { store: watched, seen };
}
