/** The user that a request speaks for, once its signature was proved. */
export interface Identity {
  /** Empty for a request without a signature. */
  readonly id: string;
  readonly displayName: string;
}

/** Nobody proved to be anybody: allowed is what is allowed to all. */
export const anonymous: Identity = { id: "", displayName: "" };

/** The user that a store is born with, who makes the others. */
export const ROOT_USER = "0000000000000000000000000000000000000000000000000000000000000001";

export function isAnonymous(identity: Identity): boolean {
  return identity.id === "";
}
