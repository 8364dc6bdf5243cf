/** Errors in words that say what to do next. */
import { QuarryError } from "../base/errors.ts";

interface SdkError {
  readonly name: string;
  readonly message: string;
  readonly code?: string;
  readonly address?: string;
  readonly port?: number;
  readonly path?: string;
  readonly dest?: string;
  readonly syscall?: string;
  readonly hostname?: string;
  readonly input?: string;
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
  InvalidBucketName:
    "bucket names have 3 to 63 lower-case letters, digits, dots and dashes, and begin and end with a letter or digit; health and metrics are Quarry's own",
  CredentialsProviderError:
    "no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or use --access-key and --secret-key (`quarry serve` prints where they are)",
  RequestTimeTooSkewed: "this machine's clock and the store's differ by more than 15 minutes",
};

/** One or two sentences for a person at a terminal. */
export function explain(error: unknown): string {
  if (error instanceof QuarryError) return error.message;
  // What went wrong first is the reason; the rest went wrong while cleaning up after it.
  if (error instanceof SuppressedError) return explain(error.suppressed);
  const { name, message } = error as SdkError;
  const ofSystem = explainSystem(error as SdkError);
  if (ofSystem !== undefined) return ofSystem;
  const known = advice[name];
  if (known !== undefined) return `${known} (${name})`;
  // LevelDB says what happened in the cause only.
  if (error instanceof Error && error.cause instanceof Error && error.cause !== error)
    return `${message}: ${explain(error.cause)}`;
  return error instanceof Error ? `${message || name}` : String(error);
}

function explainSystem({ code, message, ...at }: SdkError): string | undefined {
  const where = at.path ?? `${at.address}:${at.port}`;
  switch (code) {
    case "ECONNREFUSED":
      return `nothing answers at ${where}. Is the store running (quarry serve)? Is --endpoint right?`;
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `there is no machine called ${at.hostname}. Is the address right?`;
    case "ERR_INVALID_URL":
      return `${at.input} is no address; one is http://127.0.0.1:9000`;
    case "EPROTO":
      return "the other side does not speak TLS. Does the address begin with http:// rather than https://?";
    case "EADDRINUSE":
      return `port ${at.port} is taken. Stop what listens there, or choose another with --port.`;
    case "EADDRNOTAVAIL":
      return `this machine has no address ${at.address}. Choose one it has with --host, or 0.0.0.0 for all.`;
    case "EACCES":
    case "EPERM":
      return `no permission for ${where}`;
    case "ENOENT":
      // What Node says when the disk of a folder to make cannot be written.
      if (at.syscall === "mkdir") return `the folder ${where} cannot be made there`;
      return `no such file: ${where}`;
    case "ENOTDIR":
    case "EEXIST":
    case "EISDIR":
      return `${at.dest ?? where}: a file is where a folder is needed, or the other way round; choose another name`;
    case "EROFS":
      return `${where} is on a disk that cannot be written (mounted read-only); mount it for writing, or choose another folder`;
    case "ENOSPC":
    case "EDQUOT":
      return "no space left on this disk";
    default:
      return /No space left on device/.test(message)
        ? `no space left on this disk (${message})`
        : undefined;
  }
}
