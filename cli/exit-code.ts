/**
 * What the program's exit code says (docs/cli.md):
 * 0 done, 1 something failed, 2 the command line is wrong, 3 refused (keys, rights), 4 not there,
 * 5 the store cannot be reached, 6 this machine's disk, 7 this nameserver was removed from its group,
 * 130 interrupted.
 */
import { QuarryError } from "../base/errors.ts";

export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  refused: 3,
  notThere: 4,
  unreachable: 5,
  disk: 6,
  removed: 7,
  interrupted: 130,
} as const;

const codeOf: Readonly<Record<string, number>> = {
  InvalidArgument: exitCodes.usage,
  SignatureDoesNotMatch: exitCodes.refused,
  InvalidAccessKeyId: exitCodes.refused,
  AccessDenied: exitCodes.refused,
  Forbidden: exitCodes.refused,
  CredentialsProviderError: exitCodes.refused,
  RequestTimeTooSkewed: exitCodes.refused,
  ExpiredToken: exitCodes.refused,
  InvalidToken: exitCodes.refused,
  NoSuchBucket: exitCodes.notThere,
  NoSuchKey: exitCodes.notThere,
  NoSuchUser: exitCodes.notThere,
  NoSuchVersion: exitCodes.notThere,
  NotFound: exitCodes.notThere,
  ENOENT: exitCodes.notThere,
  ECONNREFUSED: exitCodes.unreachable,
  ECONNRESET: exitCodes.unreachable,
  EHOSTUNREACH: exitCodes.unreachable,
  ENETUNREACH: exitCodes.unreachable,
  ENOTFOUND: exitCodes.unreachable,
  EAI_AGAIN: exitCodes.unreachable,
  ETIMEDOUT: exitCodes.unreachable,
  EPROTO: exitCodes.unreachable,
  TimeoutError: exitCodes.unreachable,
  Unavailable: exitCodes.unreachable,
  Timeout: exitCodes.unreachable,
  Removed: exitCodes.removed,
  DiskFull: exitCodes.disk,
  DiskFailed: exitCodes.disk,
  ENOSPC: exitCodes.disk,
  EDQUOT: exitCodes.disk,
  EROFS: exitCodes.disk,
  EACCES: exitCodes.disk,
  EPERM: exitCodes.disk,
  EIO: exitCodes.disk,
};

/** The name of an error, as the store, the system or Quarry calls it. */
export function errorName(error: unknown): string {
  if (error instanceof SuppressedError) return errorName(error.suppressed);
  if (error instanceof QuarryError) return error.code;
  // LevelDB says what happened in words only, and those in the cause; so does SQLite, of the lock.
  const { message, cause } = error as { readonly message?: string; readonly cause?: unknown };
  const words = `${message} ${cause instanceof Error ? cause.message : ""}`;
  if (/No space left on device|database or disk is full/.test(words)) return "ENOSPC";
  const { name, code, $metadata } = error as {
    readonly name?: string;
    readonly code?: unknown;
    readonly $metadata?: { readonly httpStatusCode?: number };
  };
  if (typeof code === "string") return code;
  // An answer to HEAD has no body that would say more.
  if ($metadata?.httpStatusCode === 403 && codeOf[name ?? ""] === undefined) return "AccessDenied";
  return name ?? "Error";
}

export function exitCodeOf(error: unknown): number {
  return codeOf[errorName(error)] ?? exitCodes.failed;
}

/** Whether what failed once will fail for all others too: no use to try them. */
export function endsAll(error: unknown): boolean {
  const name = errorName(error);
  const code = exitCodeOf(error);
  if (name === "ENOENT" || name === "NoSuchKey" || name === "NotFound") return false;
  if (name === "EACCES" || name === "EPERM" || name === "AccessDenied") return false;
  return (
    code === exitCodes.refused ||
    code === exitCodes.unreachable ||
    code === exitCodes.disk ||
    name === "NoSuchBucket" ||
    name === "QuotaExceeded"
  );
}
