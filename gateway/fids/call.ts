/** One admitted request of the fid face: what its verb needs. */
import type { IncomingMessage } from "node:http";
import type { Clock } from "../../base/clock.ts";
import type { App, Fids } from "../../client/fids/fids.ts";
import type { Body, Store } from "../../client/store.ts";
import type { Identity } from "../identity.ts";
import type { FidTarget } from "./target.ts";

export interface FidCall {
  readonly request: IncomingMessage;
  readonly target: FidTarget;
  readonly identity: Identity;
  readonly store: Store;
  readonly fids: Fids;
  readonly app: App;
  readonly clock: Clock;
  /** Ends only if it may be stored then, too. */
  readonly body: Body;
}
