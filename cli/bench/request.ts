/** What the load asks of a store, whatever client carries it, and what comes back. */
import type { PeerFlags } from "../peers.ts";

export type Request =
  | { readonly type: "put"; readonly key: string; readonly body: Buffer }
  | { readonly type: "get"; readonly key: string }
  /** Bytes `first` … `last`, both included. */
  | { readonly type: "range"; readonly key: string; readonly first: number; readonly last: number }
  | { readonly type: "delete"; readonly key: string }
  /** Up to `most` keys that begin with `prefix` and come behind `after`. */
  | {
      readonly type: "list";
      readonly prefix: string;
      readonly after: string;
      readonly most: number;
    }
  | { readonly type: "createUpload"; readonly key: string }
  | {
      readonly type: "uploadPart";
      readonly key: string;
      readonly upload: string;
      readonly part: number;
      readonly body: Buffer;
    }
  | {
      readonly type: "completeUpload";
      readonly key: string;
      readonly upload: string;
      /** ETags of parts 1, 2, …, with their quotes. */
      readonly etags: readonly string[];
    };

export interface Answer {
  /** Of the body of an answer to `get` and `range`; else without meaning. */
  readonly bodyBytes: number;
  /** Keys in an answer to `list`. */
  readonly keys?: number;
  /** Id of the upload, ETag of the part. */
  readonly tag?: string;
}

/** One request at a time, over a connection of its own. */
export interface Lane extends Disposable {
  /** Rejects when the store does not answer as it should. */
  send(request: Request): Promise<Answer>;
}

export interface Credentials {
  readonly accessKey: string;
  readonly secretKey: string;
}

/** Where the requests go. */
export interface Target {
  readonly url: string;
  readonly bucket: string;
  readonly region: string;
  /** Absent: requests are not signed. */
  readonly credentials?: Credentials;
  /** Whether the signature covers the body, so that the store must hash it. */
  readonly signBody: boolean;
  /** URL of its face for fids, if it has one. */
  readonly fids?: string;
  /** Where programs reach its metadata and blocks themselves, if they may. */
  readonly peers?: PeerFlags;
}

/** A way to talk to a store. */
export interface Client extends Partial<AsyncDisposable> {
  lane(): Promise<Lane>;
  /** Does beforehand what can be done beforehand for a request that will be sent. */
  ahead?(request: Request): void;
}
