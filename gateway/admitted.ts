/** A request of which it is known who sends it, what it asks for and where its bytes come from. */
import type { IncomingHttpHeaders } from "node:http";
import type { BucketInfo } from "../rpc/objects.ts";
import type { Identity } from "./identity.ts";
import type { PayloadPlan } from "./sigv4/authenticate.ts";
import type { Target } from "./target.ts";

export interface Admitted {
  readonly identity: Identity;
  readonly target: Target;
  readonly bucket: BucketInfo | undefined;
  /** Headers, and parameters or fields that stand for them. */
  readonly headers: IncomingHttpHeaders;
  readonly plan: PayloadPlan;
  readonly bytes: AsyncIterable<Uint8Array>;
  /** The fields of a form, by name in lower case. */
  readonly form?: ReadonlyMap<string, string>;
}
