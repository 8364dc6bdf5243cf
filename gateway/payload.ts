/**
 * The payload of a request: framing taken off, lengths and digests checked as the bytes pass. The
 * iterable throws before it ends unless everything that the head promised about the body held.
 */
import { createHash, hash } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { limits } from "../base/limits.ts";
import type { Body, ChunkWitness } from "../client/store.ts";
import type { ObjectChecksum } from "../rpc/objects.ts";
import { AwsChunkedDecoder } from "./aws-chunked.ts";
import { type PromisedChecksum, promisedChecksum } from "./checksum-headers.ts";
import { checksumHeader, isDigest, type RunningChecksum, startChecksum } from "./checksums.ts";
import type { Digests } from "./digests/digest-messages.ts";
import type { BodyDigests, DigestThread } from "./digests/digest-thread.ts";
import { lengthOf, md5Of } from "./payload-head.ts";
import { S3Error } from "./s3/errors.ts";
import type { PayloadPlan } from "./sigv4/authenticate.ts";

const NOTHING = new Uint8Array(0);

/** The body as it comes; one whose buffers are nobody else's takes them back. */
export interface PayloadSource extends AsyncIterable<Uint8Array> {
  /** On the wire, with its framing; infinite when it was not told. */
  readonly lengthBytes?: number;
  /** All of it at once, instead of piece by piece. */
  whole?(): Uint8Array | Promise<Uint8Array>;
  giveBack?(bytes: Uint8Array): void;
}

export interface PayloadWishes {
  /** Whether the MD5 is wanted as an ETag. */
  readonly etag: boolean;
  readonly maxBytes: number;
  /** Who reads copies what came before it asks for more: the memory of what came can go then. */
  readonly isCopied?: boolean;
  /** The headers that speak of the body, where they are not those of the request. */
  readonly headers?: IncomingHttpHeaders;
}

export class Payload implements AsyncIterable<Uint8Array> {
  /** How long it is, if that was told beforehand; otherwise how long it may be. */
  readonly lengthBytes: number;
  /** Whether the length was told beforehand. */
  readonly exact: boolean;
  readonly #plan: PayloadPlan;
  readonly #body: PayloadSource;
  readonly #isCopied: boolean;
  readonly #decoder: AwsChunkedDecoder | undefined;
  readonly #md5Promised: string | undefined;
  readonly #sha256Promised: string | undefined;
  readonly #checksumPromised: PromisedChecksum | undefined;
  readonly #wantsMd5: boolean;
  #md5: ReturnType<typeof createHash> | undefined;
  #sha256: ReturnType<typeof createHash> | undefined;
  readonly #running: RunningChecksum | undefined;
  /** Computes the digests from the chunks that a store makes of the bytes. */
  readonly #beside: BodyDigests | undefined;
  #receivedBytes = 0;
  #verified = false;
  #md5Hex = "";
  #checksum: ObjectChecksum | undefined;

  constructor(
    headers: IncomingHttpHeaders,
    plan: PayloadPlan,
    body: PayloadSource,
    wishes: PayloadWishes,
    thread?: DigestThread,
  ) {
    const chunked = plan.kind === "chunked";
    // The name of the framing alone is harmless, and left out of what is kept of the encodings.
    if (!chunked && headers["x-amz-decoded-content-length"] !== undefined)
      throw new S3Error(
        "InvalidRequest",
        "An aws-chunked body needs x-amz-content-sha256: STREAMING-….",
      );
    this.#plan = plan;
    const toldBytes = lengthOf(headers, plan);
    const mostBytes =
      plan.kind === "file" ? Math.min(plan.maxBytes, wishes.maxBytes) : wishes.maxBytes;
    this.exact = toldBytes !== undefined;
    this.lengthBytes = toldBytes ?? mostBytes;
    if (this.lengthBytes > wishes.maxBytes)
      throw new S3Error(wishes.etag ? "EntityTooLarge" : "MaxMessageLengthExceeded", undefined, {
        ProposedSize: String(this.lengthBytes),
        MaxSizeAllowed: String(wishes.maxBytes),
      });
    this.#body = body;
    this.#isCopied = wishes.isCopied === true;
    this.#decoder = chunked ? new AwsChunkedDecoder(plan.trailer, plan.signatures) : undefined;
    this.#md5Promised = md5Of(headers);
    this.#sha256Promised = plan.kind === "exact" ? plan.sha256 : undefined;
    this.#checksumPromised = promisedChecksum(headers, chunked && plan.trailer);
    this.#wantsMd5 = wishes.etag || this.#md5Promised !== undefined;
    if (wishes.isCopied === true && this.exact && this.lengthBytes >= limits.digestsBesideBytes)
      this.#beside = thread?.begin({
        sha256: this.#sha256Promised !== undefined,
        ...(this.#checksumPromised && { checksum: this.#checksumPromised.algorithm }),
      });
    if (this.#beside !== undefined) return;
    if (this.#checksumPromised !== undefined)
      this.#running = startChecksum(this.#checksumPromised.algorithm);
  }

  /** For who stores it in chunks. */
  get body(): Body {
    const beside = this.#beside;
    const witness: ChunkWitness | undefined = beside && {
      see: (chunk) => beside.see(chunk),
      verify: async () => this.#verifyDigests(await beside.end()),
      close: () => beside.close(),
    };
    return {
      ...{ bytes: this, whole: this.whole },
      ...(this.exact && { lengthBytes: this.lengthBytes }),
      ...(witness && { witness }),
    };
  }

  /** Whether the client promised a digest of its own of this body. */
  get guarded(): boolean {
    return this.#md5Promised !== undefined || this.#checksumPromised !== undefined;
  }

  /** Hex; known when the body was read to its end. */
  get md5Hex(): string {
    this.#mustBeVerified();
    return this.#md5Hex;
  }

  /** The client's checksum, verified; known when the body was read to its end. */
  get checksum(): ObjectChecksum | undefined {
    this.#mustBeVerified();
    return this.#checksum;
  }

  /** All of it, checked, where it is small: cheaper than piece by piece. Instead of the iteration. */
  get whole(): (() => Promise<Uint8Array>) | undefined {
    const { lengthBytes = Number.POSITIVE_INFINITY, whole } = this.#body;
    const isSmall = this.exact && lengthBytes <= limits.smallBodyBytes;
    return isSmall && whole !== undefined ? () => this.#takeWhole() : undefined;
  }

  async #takeWhole(): Promise<Uint8Array> {
    const coming = this.#body.whole?.() ?? NOTHING;
    const body = coming instanceof Promise ? await coming : coming;
    const bytes = this.#decoder === undefined ? body : decoded(this.#decoder, body);
    this.#count(bytes);
    this.#running?.update(bytes);
    this.#verifyFrame();
    this.#verifyDigests({
      md5Hex: this.#wantsMd5 ? hash("md5", bytes) : "",
      sha256Hex: this.#sha256Promised === undefined ? undefined : hash("sha256", bytes),
      checksum: this.#running?.digest(),
    });
    return bytes;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void> {
    if (this.#beside === undefined) this.#startOwn();
    const decoder = this.#decoder;
    const views: Uint8Array[] = [];
    for await (const bytes of this.#body) {
      if (decoder === undefined) {
        this.#take(bytes);
        yield bytes;
      } else {
        decoder.feed(bytes, views);
        for (const view of views) {
          this.#take(view);
          yield view;
        }
        views.length = 0;
      }
      if (this.#isCopied) this.#body.giveBack?.(bytes);
    }
    this.#verifyFrame();
    if (this.#beside === undefined) this.#verifyDigests(this.#ownDigests());
  }

  #startOwn(): void {
    if (this.#wantsMd5) this.#md5 = createHash("md5");
    if (this.#sha256Promised !== undefined) this.#sha256 = createHash("sha256");
  }

  #count(view: Uint8Array): void {
    this.#receivedBytes += view.length;
    if (this.#receivedBytes > this.lengthBytes)
      throw this.exact
        ? new S3Error("IncompleteBody")
        : new S3Error("EntityTooLarge", undefined, { MaxSizeAllowed: String(this.lengthBytes) });
  }

  #take(view: Uint8Array): void {
    this.#count(view);
    this.#md5?.update(view);
    this.#sha256?.update(view);
    this.#running?.update(view);
  }

  #ownDigests(): Digests {
    return {
      md5Hex: this.#md5?.digest("hex") ?? "",
      sha256Hex: this.#sha256?.digest("hex"),
      checksum: this.#running?.digest(),
    };
  }

  #verifyFrame(): void {
    this.#decoder?.finish();
    this.#verifyLength();
  }

  #verifyDigests({ md5Hex, sha256Hex, checksum }: Digests): void {
    if (sha256Hex !== this.#sha256Promised) throw new S3Error("XAmzContentSHA256Mismatch");
    if (this.#md5Promised !== undefined && this.#md5Promised !== md5Hex)
      throw new S3Error(
        "BadDigest",
        "The Content-MD5 you specified did not match what we received.",
      );
    this.#verifyChecksum(checksum);
    this.#md5Hex = md5Hex;
    this.#verified = true;
  }

  #verifyLength(): void {
    const plan = this.#plan;
    if (this.exact && this.#receivedBytes !== this.lengthBytes) throw new S3Error("IncompleteBody");
    if (plan.kind === "file" && this.#receivedBytes < plan.minBytes)
      throw new S3Error(
        "EntityTooSmall",
        "The file is smaller than the policy of the form allows.",
        {
          ProposedSize: String(this.#receivedBytes),
          MinSizeAllowed: String(plan.minBytes),
        },
      );
  }

  #verifyChecksum(value: string | undefined): void {
    const promised = this.#checksumPromised;
    const trailers = this.#decoder?.trailers;
    const expected = promised?.value ?? this.#trailerValue(promised);
    for (const name of trailers?.keys() ?? [])
      if (promised === undefined || name !== checksumHeader(promised.algorithm))
        throw new S3Error("MalformedTrailerError", `The trailer ${name} was not announced.`);
    if (promised === undefined) return;
    if (value === undefined || value !== expected)
      throw new S3Error(
        "BadDigest",
        `The ${promised.algorithm} you specified did not match the calculated checksum.`,
      );
    this.#checksum = { algorithm: promised.algorithm, value, type: "FULL_OBJECT" };
  }

  #trailerValue(promised: PromisedChecksum | undefined): string | undefined {
    if (promised === undefined) return undefined;
    const value = this.#decoder?.trailers.get(checksumHeader(promised.algorithm));
    if (value === undefined || !isDigest(promised.algorithm, value))
      throw new S3Error("MalformedTrailerError");
    return value;
  }

  #mustBeVerified(): void {
    if (!this.#verified) throw new S3Error("IncompleteBody", "The body was not read to its end.");
  }
}

function decoded(decoder: AwsChunkedDecoder, body: Uint8Array): Uint8Array {
  const views: Uint8Array[] = [];
  decoder.feed(body, views);
  return Buffer.concat(views);
}

/** The whole of a small body. */
export async function readSmallBody(payload: Payload): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of payload) parts.push(part);
  return Buffer.concat(parts);
}

export const xmlWishes: PayloadWishes = { etag: false, maxBytes: limits.xmlBodyBytes };
/** Of what says how a bucket or an object is to be: small, whatever it says. */
export const settingWishes: PayloadWishes = { etag: false, maxBytes: limits.settingBytes };
export const dataWishes: PayloadWishes = {
  ...{ etag: true, maxBytes: limits.putBytes, isCopied: true },
};
