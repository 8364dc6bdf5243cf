import { once } from "node:events";
import { expect, test } from "vitest";
import type { StreamObject } from "../../rpc/streams.ts";
import { GridFSBucketReadStream } from "./download-stream.ts";

const object: StreamObject = {
  ...{ key: "k", version: "null", modifiedMs: 1, lengthBytes: 3, deleteMarker: false },
  attributes: { etag: "e", stream: { filename: "f", chunkSizeBytes: 1 } },
};

test.each(["destroy", "abort"] as const)(
  "a reader who goes (%s) while the file is looked for reads nothing, and keeps nothing",
  async (go) => {
    const steps: string[] = [];
    async function* take() {
      steps.push("begun");
      try {
        yield Buffer.from("abc");
      } finally {
        steps.push("ended");
      }
    }
    const looked = Promise.withResolvers<{ object: StreamObject; take: typeof take }>();
    const asked = Promise.withResolvers<void>();
    const find = () => {
      asked.resolve();
      return looked.promise;
    };
    const stream = new GridFSBucketReadStream(find, "f", {});
    stream.on("data", () => steps.push("data"));
    await asked.promise;
    const closed = once(stream, "close");
    if (go === "abort") await stream.abort();
    else stream.destroy();
    await closed;
    looked.resolve({ object, take });
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(steps.filter((step) => step === "begun")).toEqual(
      steps.filter((step) => step === "ended"),
    );
    expect(steps).toEqual([]);
  },
);
