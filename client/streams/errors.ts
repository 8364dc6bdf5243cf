/**
 * Errors as users of MongoDB's driver know them: the same class names, messages that begin alike, and
 * `ENOENT` for a file that is not there. What went wrong in the store is the `cause`.
 */

export class MongoError extends Error {
  override readonly name: string = "MongoError";
  /** `ENOENT`: there is no such file. 11000: there is one with this id already. */
  readonly code?: string | number;

  constructor(message: string, options: ErrorOptions & { readonly code?: string | number } = {}) {
    super(message, options);
    if (options.code !== undefined) this.code = options.code;
  }
}

export class MongoServerError extends MongoError {
  override readonly name: string = "MongoServerError";
}

export class MongoDriverError extends MongoError {
  override readonly name: string = "MongoDriverError";
}

export class MongoAPIError extends MongoDriverError {
  override readonly name: string = "MongoAPIError";
}

export class MongoInvalidArgumentError extends MongoAPIError {
  override readonly name: string = "MongoInvalidArgumentError";
}

export class MongoRuntimeError extends MongoDriverError {
  override readonly name: string = "MongoRuntimeError";
}

/** What was asked for cannot be done any more. */
export class MongoGridFSStreamError extends MongoRuntimeError {
  override readonly name: string = "MongoGridFSStreamError";
}

/** A chunk is missing, or not what was stored. */
export class MongoGridFSChunkError extends MongoRuntimeError {
  override readonly name: string = "MongoGridFSChunkError";
}

/** Of MongoDB's server, when an id is there already. */
const DUPLICATE_KEY = 11_000;

export const fileNotFound = (message: string, cause?: unknown): MongoRuntimeError =>
  new MongoRuntimeError(message, { code: "ENOENT", cause });

export const duplicateId = (id: string, cause: unknown): MongoServerError =>
  new MongoServerError(`E11000 duplicate key error: there is a file with the id ${id}`, {
    code: DUPLICATE_KEY,
    cause,
  });
