/** A request of which it is known who sends it, what it asks for and where its bytes come from. */
import type { IncomingHttpHeaders } from "node:http";
import type { BucketInfo } from "../rpc/objects.ts";
import type { Identity } from "./identity.ts";
import type { PayloadSource } from "./payload.ts";
import type { PayloadPlan } from "./sigv4/authenticate.ts";
import type { Target } from "./target.ts";

/** Looked at again when a request takes long. */
interface Credentials {
  readonly accessKey: string;
  readonly secretKey: string;
}

export interface Admitted {
  readonly identity: Identity;
  /** What proved it; absent for nobody in particular. */
  readonly credentials?: Credentials;
  readonly target: Target;
  readonly bucket: BucketInfo | undefined;
  /** Headers, and parameters or fields that stand for them. */
  readonly headers: IncomingHttpHeaders;
  readonly plan: PayloadPlan;
  readonly bytes: PayloadSource;
  /** The fields of a form, by name in lower case. */
  readonly form?: ReadonlyMap<string, string>;
}

/** Of a request that a key signed, with what that key's user was found to have. */
export function credentialsOf(
  claim: Pick<Credentials, "accessKey"> | undefined,
  user: Pick<Credentials, "secretKey"> | undefined,
): Pick<Admitted, "credentials"> {
  if (claim === undefined || user === undefined) return {};
  return { credentials: { accessKey: claim.accessKey, secretKey: user.secretKey } };
}
