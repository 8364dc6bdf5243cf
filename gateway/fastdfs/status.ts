/** Errors as FastDFS tells them: the error numbers of Linux. */
import { type ErrorCode, hasCode, QuarryError } from "../../base/errors.ts";

const EPERM = 1;
const ENOENT = 2;
const EIO = 5;
const EACCES = 13;
const EBUSY = 16;
const EEXIST = 17;
const EINVAL = 22;
const EFBIG = 27;
const ENOSPC = 28;
const ETIMEDOUT = 110;
/** That of a command that this face does not have. */
const EOPNOTSUPP = 95;

const numbers: Partial<Readonly<Record<ErrorCode, number>>> = {
  NoSuchBucket: ENOENT,
  NoSuchKey: ENOENT,
  NoSuchVersion: ENOENT,
  ConditionFailed: EEXIST,
  Changed: EBUSY,
  Busy: EBUSY,
  Unavailable: EBUSY,
  Timeout: ETIMEDOUT,
  InvalidArgument: EINVAL,
  TooLarge: EFBIG,
  TooManySlices: EFBIG,
  QuotaExceeded: ENOSPC,
  DiskFull: ENOSPC,
  Forbidden: EACCES,
  NotImplemented: EOPNOTSUPP,
  Protocol: EPERM,
};

/** EIO for what nobody foresaw, and for damage. */
export function statusOf(error: unknown): number {
  return error instanceof QuarryError ? (numbers[error.code] ?? EIO) : EIO;
}

/** Whether its cause is a request that cannot be done, rather than trouble of ours. */
export const isRefusal = (error: unknown): boolean =>
  hasCode(error, "NoSuchBucket", "NoSuchKey", "InvalidArgument", "ConditionFailed", "TooLarge");
