/** Who may sign: access keys and the users behind them. */

export interface Credential {
  readonly secretKey: string;
  readonly userId: string;
  readonly displayName: string;
}

export interface Credentials {
  lookup(accessKey: string): Credential | undefined;
}

/** The user that a request speaks for, once its signature was proved. */
export interface Identity {
  readonly userId: string;
  readonly displayName: string;
}

/** A fixed set of credentials by access key. */
export function fixedCredentials(byAccessKey: ReadonlyMap<string, Credential>): Credentials {
  return { lookup: (accessKey) => byAccessKey.get(accessKey) };
}
