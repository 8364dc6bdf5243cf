/** The user that a request speaks for, once its signature was proved. */
export interface Identity {
  readonly id: string;
  readonly displayName: string;
}

/** Who owns what was written without a signature. No user can have this id. */
export const ANONYMOUS_USER = "65a011a29cdf8ec533ec3d1ccaae921c";

/** Nobody proved to be anybody: allowed is what is allowed to all. */
export const anonymous: Identity = { id: ANONYMOUS_USER, displayName: "" };

export { ROOT_USER } from "../client/root-user.ts";

export function isAnonymous(identity: Identity): boolean {
  return identity.id === ANONYMOUS_USER;
}
