/** What `import … from "quarry"` gives: a whole store in this process, and the types of its parts. */
export { openClient as openStore, type StoreOptions } from "./open-servers.ts";
export type { Body, OpenObject, PartTarget, PutTarget, Store } from "./store.ts";
