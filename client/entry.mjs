// `import { openStore } from "quarry"`. Plain JavaScript, so that an old Node can read why it is too old.
import { existsSync } from "node:fs";

const OLDEST_MAJOR = 24;

if (Number.parseInt(process.versions.node, 10) < OLDEST_MAJOR)
  throw new Error(
    `quarry needs Node ${OLDEST_MAJOR} or newer, and this is ${process.version}; it brings one: npx node program.mjs`,
  );

// As in cli/bin.mjs: a checkout runs its sources; an installed package brings built JavaScript.
const source = new URL("open-store.ts", import.meta.url);
const built = new URL("../dist/client/open-store.js", import.meta.url);

const names = await import((existsSync(source) ? source : built).href);
export const { openStore, QuarryError } = names;
export const { GridFSBucket, GridFSBucketReadStream, GridFSBucketWriteStream, ObjectId } = names;
export const { MongoAPIError, MongoDriverError, MongoError, MongoServerError } = names;
export const { MongoGridFSChunkError, MongoGridFSStreamError } = names;
export const { MongoInvalidArgumentError, MongoRuntimeError } = names;
