/**
 * Operating errors: what can go wrong without a defect in Quarry. Each has a code and says whether
 * to try again. A broken invariant is no operating error: see {@link assert}.
 */

/** `no`: it will fail again. `now`: an immediate retry may succeed. `later`: wait first. */
export type Retry = "no" | "now" | "later";

const retryByCode = {
  // the caller asked for something that is not there, or is
  NoSuchBucket: "no",
  NoSuchKey: "no",
  NoSuchVersion: "no",
  NoSuchUpload: "no",
  NoSuchBlock: "no",
  NoSuchNeedle: "no",
  NoSuchDevice: "no",
  NoSuchPool: "no",
  NoSuchStorageClass: "no",
  BucketExists: "no",
  BucketNotEmpty: "no",
  /** A condition of the request (If-Match …) does not hold. */
  ConditionFailed: "no",
  /** What the caller had looked at was replaced meanwhile: look again. */
  Changed: "now",
  /** Content would lie in more runs of bytes than a name holds: join some, and it goes. */
  TooManySlices: "no",
  InvalidPart: "no",
  InvalidPartOrder: "no",
  PartTooSmall: "no",
  QuotaExceeded: "no",
  TooManyBuckets: "no",
  NoSuchUser: "no",
  UserExists: "no",
  UserOwnsBuckets: "no",
  InvalidArgument: "no",
  TooLarge: "no",
  Forbidden: "no",
  NotImplemented: "no",
  /** The session that a command belongs to is over: whether it was applied cannot be told any more. */
  SessionExpired: "no",
  /** The change was made, by an earlier attempt, but its answer was too large to be kept: look. */
  AnswerLost: "no",
  /** This nameserver does not lead. What was asked for did not happen, and never will by this call. */
  NotLeader: "now",
  /** This nameserver was taken out of its group for good. */
  Removed: "no",
  /** A change may have happened, or may happen yet: look before it is made again. */
  OutcomeUnknown: "no",
  /** Changes that a watcher asks for are no longer kept: read what is there now and go on from there. */
  Compacted: "no",
  // blocks and their members
  /** First reference into a settled block: the client rewrites the chunk elsewhere (INV-4). */
  BlockSettled: "now",
  StaleGeneration: "now",
  /** An order of a leader that another one has followed. */
  StaleTerm: "no",
  /** More pieces are missing than parities were stored: nothing can be decoded until some return. */
  TooFewPieces: "later",
  /** What was asked for would make nothing better. */
  Needless: "no",
  // the machine
  /** Stored bytes fail their checksum. */
  Damaged: "no",
  DiskFull: "later",
  DiskFailed: "no",
  Locked: "no",
  /** Written by a newer version of Quarry. */
  NewerFormat: "no",
  // the moment
  Busy: "later",
  Unavailable: "later",
  Timeout: "later",
  Cancelled: "no",
  Closed: "later",
  /** The peer broke the protocol or the secret does not match. */
  Protocol: "no",
} as const satisfies Record<string, Retry>;

export type ErrorCode = keyof typeof retryByCode;

export class QuarryError extends Error {
  override readonly name = "QuarryError";
  readonly code: ErrorCode;
  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
  get retry(): Retry {
    return retryByCode[this.code];
  }
}

export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(retryByCode, text);
}

/** True for a {@link QuarryError} with one of the given codes. */
export function hasCode(error: unknown, ...codes: ErrorCode[]): error is QuarryError {
  return error instanceof QuarryError && codes.includes(error.code);
}

/** A broken invariant: a defect in Quarry, never the user's doing. */
export class InvariantError extends Error {
  override readonly name = "InvariantError";
}

/** Asserts an invariant; stays on in production. */
export function assert(condition: boolean, what: string): asserts condition {
  if (!condition) throw new InvariantError(`invariant broken: ${what}`);
}

/** Closes an exhaustive switch: the compiler objects when a case is missing. */
export function unreachable(value: never): never {
  throw new InvariantError(`unreachable: ${String(value)}`);
}
