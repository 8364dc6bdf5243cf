/** What all transfers of one command share. */
import type { S3Client } from "@aws-sdk/client-s3";
import { BufferPool } from "../../base/buffer-pool.ts";
import { limits } from "../../base/limits.ts";
import { ByteBudget } from "./byte-budget.ts";
import { type ConnectOptions, connect, isTrustedWay, placeOf } from "./connect.ts";
import { DirectWay } from "./direct-way.ts";
import { Report } from "./report.ts";

/** What PutObject, CreateMultipartUpload and CopyObject are told about the object. */
export interface Attributes {
  readonly ContentType?: string;
  readonly CacheControl?: string;
  readonly Metadata?: Record<string, string>;
  readonly StorageClass?: "STANDARD";
}

export interface Session {
  readonly client: S3Client;
  readonly endpoint: string;
  /** Where there is one that is shorter than the SDK's. */
  readonly direct: DirectWay | undefined;
  /** Bodies need no SHA-256 beside their checksum. */
  readonly trusted: boolean;
  readonly report: Report;
  /** Requests at once. */
  readonly parallel: number;
  readonly partBytes: number;
  readonly attributes: Attributes;
  readonly memory: TransferMemory;
}

export interface SessionOptions extends ConnectOptions {
  readonly verbose?: boolean;
  readonly parallel?: number;
  readonly partSize?: number;
  readonly contentType?: string;
  readonly cacheControl?: string;
  readonly metadata?: Record<string, string>;
  readonly storageClass?: string;
}

export function openSession(options: SessionOptions): Session {
  const { endpoint } = placeOf(options);
  const client = connect(options);
  return {
    client,
    endpoint,
    direct: DirectWay.to(client, endpoint, (options.addressing ?? "path") === "path"),
    trusted: isTrustedWay(endpoint),
    report: new Report(options),
    parallel: options.parallel ?? limits.cliParallel,
    partBytes: options.partSize ?? limits.cliPartBytes,
    attributes: {
      ...(options.contentType !== undefined && { ContentType: options.contentType }),
      ...(options.cacheControl !== undefined && { CacheControl: options.cacheControl }),
      ...(options.metadata !== undefined && { Metadata: options.metadata }),
      ...(options.storageClass !== undefined && {
        StorageClass: options.storageClass as "STANDARD",
      }),
    },
    memory: new TransferMemory(),
  };
}

/** The buffers of all transfers together stay below a maximum, and are used again. */
export class TransferMemory {
  readonly #budget = new ByteBudget(limits.cliMemoryBytes);
  readonly #pool = new BufferPool(limits.cliMemoryBytes);

  /** A share for bytes that are held elsewhere: in streams, and on their way to the disk. */
  share(lengthBytes: number): Promise<Disposable> {
    return this.#budget.take(lengthBytes);
  }

  /** At most `cliBufferBytes`. */
  async take(lengthBytes: number): Promise<Disposable & { readonly buffer: Buffer }> {
    const share = await this.#budget.take(lengthBytes);
    const buffer = this.#pool.take(lengthBytes);
    return {
      buffer,
      [Symbol.dispose]: () => {
        this.#pool.give(buffer);
        share[Symbol.dispose]();
      },
    };
  }
}
