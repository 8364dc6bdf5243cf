/** Errors in words that say what to do next. */
import { QuarryError } from "../base/errors.ts";

interface SdkError {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly address?: string;
  readonly port?: number;
  readonly path?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

const advice: Readonly<Record<string, string>> = {
  SignatureDoesNotMatch: "the secret key is wrong for this access key",
  InvalidAccessKeyId: "the store does not know this access key",
  AccessDenied: "these credentials may not do that",
  NoSuchBucket: "there is no such bucket; `quarry ls` shows those there are",
  NoSuchKey: "there is no such object",
  NotFound: "there is no such object or bucket",
  BucketNotEmpty: "the bucket is not empty",
  CredentialsProviderError:
    "no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or use --access-key and --secret-key (`quarry serve` prints where they are)",
  RequestTimeTooSkewed: "this machine's clock and the store's differ by more than 15 minutes",
};

/** One or two sentences for a person at a terminal. */
export function explain(error: unknown): string {
  if (error instanceof QuarryError) return error.message;
  const { name, code, message, address, port, path } = error as SdkError;
  if (code === "ECONNREFUSED")
    return `nothing answers at ${address}:${port}. Is the store running (quarry serve)? Is --endpoint right?`;
  if (code === "EADDRINUSE")
    return `port ${port} is taken. Stop what listens there, or choose another with --port.`;
  if (code === "EACCES") return `no permission for ${path ?? `${address}:${port}`}`;
  if (code === "ENOENT") return `no such file: ${path}`;
  if (code === "ENOSPC") return "no space left on this disk";
  const known = advice[name];
  if (known !== undefined) return `${known} (${name})`;
  return error instanceof Error ? `${message || name}` : String(error);
}
