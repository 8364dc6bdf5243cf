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
  readonly Region?: string;
  readonly errors?: readonly { readonly address?: string; readonly port?: number }[];
  readonly $response?: { readonly statusCode?: number };
  readonly $metadata?: { readonly httpStatusCode?: number };
}

const advice: Readonly<Record<string, string>> = {
  SignatureDoesNotMatch: "the secret key is wrong for this access key",
  InvalidAccessKeyId: "the store does not know this access key",
  AccessDenied: "these credentials may not do that",
  NoSuchBucket: "there is no such bucket; `quarry ls` shows those there are, `quarry mb` makes one",
  NoSuchKey: "there is no such object",
  NotFound: "there is no such object or bucket",
  BucketNotEmpty:
    "the bucket is not empty, of which older versions are part too; `quarry rb --force` deletes all in it",
  InvalidBucketName:
    "bucket names have 3 to 63 lower-case letters, digits, dots and dashes, and begin and end with a letter or digit; health and metrics are Quarry's own",
  CredentialsProviderError:
    "no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or use --access-key and --secret-key (`quarry serve` prints where they are)",
  RequestTimeTooSkewed: "this machine's clock and the store's differ by more than 15 minutes",
  ExpiredToken: "the session of these credentials has ended; make new ones",
  BucketAlreadyExists: "someone else has a bucket of this name; choose another",
  BucketAlreadyOwnedByYou: "you have this bucket already",
  NoSuchVersion: "there is no such version; `quarry ls --versions` shows those there are",
  KeyTooLongError: "keys have at most 1024 bytes of UTF-8",
  EntityTooLarge: "the store takes no object of this size in one request",
  PreconditionFailed: "the object was changed meanwhile; run the same command again",
  NotImplemented: "this store cannot do that",
  AuthorizationHeaderMalformed: "the region is wrong for this bucket; say it with --region",
  PermanentRedirect: "the bucket is in another region; say it with --region or --endpoint",
  TooManyBuckets: "you may have no more buckets; remove one, or ask root for a larger quota",
  SlowDown: "the store has too much to do; try again later, or with a smaller --parallel",
  ServiceUnavailable:
    "the store cannot serve this now: servers that it takes do not answer; try again later (of a cluster of Quarry `quarry admin health` says which)",
  TimeoutError: "the store did not answer in time",
};

/** One or two sentences for a person at a terminal. */
export function explain(error: unknown): string {
  if (error instanceof QuarryError) return explainOwn(error);
  // What went wrong first is the reason; the rest went wrong while cleaning up after it.
  if (error instanceof SuppressedError) return explain(error.suppressed);
  const { name, message } = error as SdkError;
  const ofSystem = explainSystem(error as SdkError);
  if (ofSystem !== undefined) return ofSystem;
  const known = regionAdvice(error as SdkError) ?? advice[name];
  if (known !== undefined) return `${known} (${name})`;
  const ofAnswer = explainAnswer(error as SdkError);
  if (ofAnswer !== undefined) return ofAnswer;
  // LevelDB says what happened in the cause only.
  if (error instanceof Error && error.cause instanceof Error && error.cause !== error)
    return `${message}: ${explain(error.cause)}`;
  return error instanceof Error ? `${message || name}` : String(error);
}

function explainOwn({ code, message }: QuarryError): string {
  if (code !== "NoSuchBucket") return message;
  return `${message}; \`quarry ls\` shows those there are, \`quarry mb\` makes one`;
}

/** The store says which region it expects, in a field that stands in the error. */
function regionAdvice({ name, Region: region }: SdkError): string | undefined {
  if (name !== "AuthorizationHeaderMalformed" || region === undefined) return undefined;
  return `the region is wrong: use --region ${region}, or AWS_REGION=${region}`;
}

/** Answers without a code that says more: to HEAD, and of what is no store at all. */
function explainAnswer({ message, $metadata, $response }: SdkError): string | undefined {
  const status = $response?.statusCode ?? $metadata?.httpStatusCode;
  if (/XML parse error|Deserialization error/.test(message))
    return `what answers there is no S3 store (it said ${status ?? "nothing"}, and no XML). Is --endpoint right?`;
  switch (status) {
    case 401:
    case 403:
      // With words of its own, such as of a quota, it is no matter of keys.
      if (!isWordless(message)) return undefined;
      return "refused: the access key or secret key is wrong, or they may not do that";
    case 301:
    case 307:
    case 400:
      return isWordless(message)
        ? `the store refused the request (${status}). Are --endpoint and --region right?`
        : undefined;
    default:
      return undefined;
  }
}

function isWordless(message: string): boolean {
  return /^(Unknown|UnknownError|Forbidden)?$/.test(message);
}

function explainSystem({ code, message, ...at }: SdkError): string | undefined {
  // Of a name with several addresses the first that was tried stands for all.
  const tried = at.address === undefined && at.errors?.[0] !== undefined ? at.errors[0] : at;
  const where = at.path ?? `${tried.address}:${tried.port}`;
  switch (code) {
    case "ECONNREFUSED":
      return `nothing answers at ${where}. Is the store running (quarry serve)? Is --endpoint right?`;
    case "ECONNRESET":
    case "EPIPE":
      return "the other side closed the connection in the middle; try again";
    case "ETIMEDOUT":
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return `no way to ${where} (${code}). Is the address right? Is there a network?`;
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
    case "SELF_SIGNED_CERT_IN_CHAIN":
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
      return `the store's certificate is of nobody this machine trusts (${code}); give its authority with NODE_EXTRA_CA_CERTS=FILE`;
    case "ERR_TLS_CERT_ALTNAME_INVALID":
    case "CERT_HAS_EXPIRED":
      return `the store's certificate is not good: ${message}`;
    case "ENAMETOOLONG":
      return "the name is longer than this disk takes (255 bytes, as a rule); choose another: quarry get s3://bucket/key FILE";
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
      return /No space left on device|database or disk is full/.test(message)
        ? `no space left on this disk (${message})`
        : undefined;
  }
}
