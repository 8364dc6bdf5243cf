/** What the event loop and the thread that computes digests say to each other. */
import type { ChecksumAlgorithm } from "../../rpc/objects.ts";

/** What is wanted of a body beside its MD5. */
export interface DigestWishes {
  readonly sha256: boolean;
  readonly checksum?: ChecksumAlgorithm;
}

export interface Digests {
  readonly md5Hex: string;
  readonly sha256Hex: string | undefined;
  /** base64, as S3 has it. */
  readonly checksum: string | undefined;
}

export type DigestRequest =
  | { readonly kind: "begin"; readonly body: number; readonly wishes: DigestWishes }
  /** Shared memory stays as it is until the thread has `seen` it; other memory comes as a copy. */
  | { readonly kind: "chunk"; readonly body: number; readonly bytes: Uint8Array }
  | { readonly kind: "end"; readonly body: number }
  /** Nobody waits for its digests any more. */
  | { readonly kind: "drop"; readonly body: number };

export type DigestReply =
  /** The oldest chunk of the body that was not seen yet. */
  | { readonly kind: "seen"; readonly body: number }
  | { readonly kind: "digests"; readonly body: number; readonly digests: Digests };
