/** Uploads into the store of a folder and never ends: for a test that kills it. */
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { GridFSBucket } from "../../client/streams/bucket.ts";
import { StreamStore } from "./stream-store.ts";

const at = await StreamStore.open(Number(process.argv[2]), process.argv[3]);
const bucket = new GridFSBucket(at.store, { chunkSizeBytes: 4096 });
const whole = bucket.openUploadStream("whole");
whole.end(Buffer.alloc(10_000, "w"));
await once(whole, "finish");
const upload = bucket.openUploadStream("half");
upload.write(Buffer.alloc(1_000_000, "h"));
// Some chunks are registered, some only stored.
while ((await at.needles()).length < 200) await pause(5);
process.send?.("stored");
setInterval(() => undefined, 1000);
