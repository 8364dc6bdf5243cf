/** Files without a name of their own: stored, and read by the fid that is the answer. */
import { QuarryError } from "../../../base/errors.ts";
import { limits } from "../../../base/limits.ts";
import { fidClient } from "../fid-client.ts";
import type { Kind } from "../workload.ts";
import { gets } from "./get.ts";
import { puts } from "./put.ts";

/** Larger ones would be lists of chunks, with metadata: objects in all but their name. */
function checkBare([bytes = 0]: readonly number[]): void {
  if (bytes > limits.benchBareBytes)
    throw new QuarryError("InvalidArgument", `bare fids are for ${limits.benchBareBytes} bytes`);
}

const byFid = { check: checkBare, client: fidClient };
export const fidPuts: Kind = { ...puts, ...byFid, what: "files that are named by the store" };
export const fidGets: Kind = { ...gets, ...byFid, what: "… read by these names" };
