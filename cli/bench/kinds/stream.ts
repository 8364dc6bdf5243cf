/** Files through the upload and download streams of a program. */
import { streamClient } from "../stream-client.ts";
import type { Kind } from "../workload.ts";
import { gets } from "./get.ts";
import { puts } from "./put.ts";

export const streamPuts: Kind = { ...puts, client: streamClient, what: "upload streams" };
export const streamGets: Kind = { ...gets, client: streamClient, what: "download streams" };
