/** S3's error codes: their HTTP status and message, and what each {@link QuarryError} becomes. */
import { type ErrorCode, QuarryError } from "../../base/errors.ts";

const table = {
  AccessControlListNotSupported: [400, "The bucket does not allow ACLs."],
  AccessDenied: [403, "Access Denied"],
  AccessForbidden: [403, "The CORS request is not allowed."],
  AuthorizationHeaderMalformed: [400, "The authorization header that you provided is not valid."],
  AuthorizationQueryParametersError: [400, "The authorization query parameters are not valid."],
  BadDigest: [
    400,
    "The Content-MD5 or checksum value that you specified did not match the content.",
  ],
  BadRequest: [400, "The request is not valid HTTP."],
  BucketAlreadyExists: [409, "The bucket name is taken. Choose another name."],
  BucketAlreadyOwnedByYou: [409, "You own a bucket of this name already."],
  BucketNotEmpty: [409, "The bucket that you tried to delete is not empty."],
  EntityTooLarge: [400, "Your upload exceeds the maximum allowed size."],
  EntityTooSmall: [400, "Every part but the last must have at least 5 MiB."],
  ExpiredToken: [400, "The provided token has expired."],
  IllegalVersioningConfigurationException: [
    400,
    "The versioning configuration that you specified is not valid: it needs a Status.",
  ],
  IllegalLocationConstraintException: [
    400,
    "The location constraint does not fit the region that this request was sent to.",
  ],
  IncorrectNumberOfFilesInPostRequest: [400, "A form has exactly one file, in the field 'file'."],
  IncompleteBody: [400, "The body has not the number of bytes that the headers announce."],
  InsufficientStorage: [507, "The store has no space left. Free some or add a device."],
  InternalError: [500, "An internal error occurred. Try again."],
  InvalidAccessKeyId: [403, "The access key id that you provided is not known here."],
  InvalidArgument: [400, "An argument of the request is not valid."],
  InvalidBucketAclWithObjectOwnership: [
    400,
    "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting.",
  ],
  InvalidBucketName: [400, "The specified bucket name is not valid."],
  InvalidDigest: [400, "The Content-MD5 that you specified is not valid."],
  InvalidLocationConstraint: [400, "The specified location constraint is not valid."],
  InvalidPart: [
    400,
    "A specified part was not found, or its ETag or checksum is not that of the uploaded part.",
  ],
  InvalidPolicyDocument: [400, "The policy of the form is not valid."],
  InvalidPartOrder: [400, "The parts are not listed in ascending order of their numbers."],
  InvalidRange: [416, "The requested range cannot be satisfied."],
  InvalidRequest: [400, "The request is not valid."],
  InvalidStorageClass: [400, "The storage class that you specified is not valid."],
  InvalidTag: [400, "A tag of the request is not valid."],
  InvalidToken: [400, "The provided security token is not valid."],
  InvalidURI: [400, "The URI of the request cannot be parsed."],
  KeyTooLongError: [400, "Your key is too long."],
  MalformedACLError: [
    400,
    "The ACL that you provided was not well formed or did not validate against our published schema.",
  ],
  MalformedPOSTRequest: [400, "The body is not well-formed multipart/form-data."],
  MalformedTrailerError: [400, "The trailer of the body is not the one announced."],
  MalformedXML: [400, "The XML that you provided was not well-formed or lacks a required element."],
  MaxMessageLengthExceeded: [400, "Your request was too large."],
  MaxPostPreDataLengthExceeded: [
    400,
    "The fields of the form, with their heads, exceed the maximum allowed size of 20 KiB.",
  ],
  MetadataTooLarge: [400, "The metadata headers exceed the maximum allowed size of 2 KiB."],
  MethodNotAllowed: [405, "The method is not allowed against this resource."],
  MissingContentLength: [411, "You must provide the Content-Length HTTP header."],
  MissingSecurityHeader: [400, "Your request was missing a required header."],
  NoSuchBucket: [404, "The specified bucket does not exist."],
  NoSuchBucketPolicy: [404, "The bucket policy does not exist."],
  NoSuchCORSConfiguration: [404, "The CORS configuration does not exist."],
  NoSuchKey: [404, "The specified key does not exist."],
  NoSuchLifecycleConfiguration: [404, "The lifecycle configuration does not exist."],
  NoSuchPublicAccessBlockConfiguration: [
    404,
    "The public access block configuration was not found.",
  ],
  NoSuchTagSet: [404, "There is no tag set associated with the bucket."],
  NoSuchUpload: [
    404,
    "The specified multipart upload does not exist. It may have been aborted or completed.",
  ],
  NoSuchVersion: [404, "The specified version does not exist."],
  NoSuchWebsiteConfiguration: [404, "The specified bucket does not have a website configuration."],
  NotImplemented: [501, "The request implies functionality that is not implemented."],
  // AWS has no such code. The status is none that clients try again: no retry mends the bytes, a new
  // upload of the object does.
  ObjectDamaged: [
    409,
    "Stored bytes of this object fail their checksum, and no good copy is left. Trying again will not help: upload the object again.",
  ],
  ObjectLockConfigurationNotFoundError: [
    404,
    "Object Lock configuration does not exist for this bucket.",
  ],
  OwnershipControlsNotFoundError: [404, "The bucket ownership controls were not found."],
  PreconditionFailed: [412, "At least one of the preconditions that you specified did not hold."],
  QuotaExceeded: [403, "The quota of this bucket or user is used up."],
  ReplicationConfigurationNotFoundError: [404, "The replication configuration was not found."],
  RequestHeaderSectionTooLarge: [
    431,
    "Your request headers exceed the maximum allowed size of 16 KiB.",
  ],
  RequestTimeout: [
    400,
    "Your connection was not read from or written to within the timeout period.",
  ],
  RequestTimeTooSkewed: [
    403,
    "The difference between the request time and the server's time is too large.",
  ],
  ServerSideEncryptionConfigurationNotFoundError: [
    404,
    "The server side encryption configuration was not found.",
  ],
  ServiceUnavailable: [
    503,
    "The store cannot serve this now: servers that it takes do not answer. Try again.",
  ],
  SignatureDoesNotMatch: [
    403,
    "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
  ],
  SlowDown: [503, "Please reduce your request rate."],
  TooManyBuckets: [400, "You have attempted to create more buckets than allowed."],
  UnexpectedContent: [400, "This request contains unsupported content."],
  UnresolvableGrantByEmailAddress: [
    400,
    "The e-mail address that you provided does not match any user.",
  ],
  UserKeyMustBeSpecified: [
    400,
    "A form must have the field 'key', before its file. Check the order of the fields.",
  ],
  XAmzContentSHA256Mismatch: [
    400,
    "The provided 'x-amz-content-sha256' header does not match what was computed.",
  ],
} as const satisfies Record<string, readonly [number, string]>;

export type S3ErrorCode = keyof typeof table;

/** Extra elements of the XML answer, by name. */
export type ErrorDetail = Readonly<Record<string, string>>;

/** An error that the client is meant to see. */
export class S3Error extends Error {
  override readonly name = "S3Error";
  readonly code: S3ErrorCode;
  readonly detail: ErrorDetail;
  /** Headers that tell more, for answers to HEAD too. */
  readonly headers: Readonly<Record<string, string>>;
  constructor(
    code: S3ErrorCode,
    message?: string,
    detail: ErrorDetail = {},
    options: ErrorOptions & { readonly headers?: S3Error["headers"] } = {},
  ) {
    super(message ?? table[code][1], options);
    this.code = code;
    this.detail = detail;
    this.headers = options.headers ?? {};
  }
  get status(): number {
    return table[this.code][0];
  }
}

const fromStore: Readonly<Record<ErrorCode, S3ErrorCode>> = {
  NoSuchBucket: "NoSuchBucket",
  NoSuchKey: "NoSuchKey",
  NoSuchVersion: "NoSuchVersion",
  NoSuchUpload: "NoSuchUpload",
  NoSuchBlock: "InternalError",
  NoSuchNeedle: "InternalError",
  NoSuchDevice: "InternalError",
  NoSuchPool: "InternalError",
  NoSuchStorageClass: "InvalidStorageClass",
  BucketExists: "BucketAlreadyExists",
  BucketNotEmpty: "BucketNotEmpty",
  ConditionFailed: "PreconditionFailed",
  Changed: "ServiceUnavailable",
  TooManySlices: "InternalError",
  InvalidPart: "InvalidPart",
  InvalidPartOrder: "InvalidPartOrder",
  PartTooSmall: "EntityTooSmall",
  QuotaExceeded: "QuotaExceeded",
  TooManyBuckets: "TooManyBuckets",
  NoSuchUser: "InvalidArgument",
  UserExists: "InvalidArgument",
  UserOwnsBuckets: "InvalidArgument",
  InvalidArgument: "InvalidArgument",
  TooLarge: "EntityTooLarge",
  Forbidden: "AccessDenied",
  NotImplemented: "NotImplemented",
  SessionExpired: "InternalError",
  AnswerLost: "ServiceUnavailable",
  NotLeader: "ServiceUnavailable",
  Removed: "InternalError",
  OutcomeUnknown: "InternalError",
  Compacted: "InternalError",
  BlockSettled: "ServiceUnavailable",
  StaleGeneration: "ServiceUnavailable",
  StaleTerm: "InternalError",
  Damaged: "ObjectDamaged",
  TooFewPieces: "ServiceUnavailable",
  Needless: "InternalError",
  DiskFull: "InsufficientStorage",
  DiskFailed: "InternalError",
  Locked: "InternalError",
  NewerFormat: "InternalError",
  Busy: "SlowDown",
  Unavailable: "ServiceUnavailable",
  Timeout: "ServiceUnavailable",
  Cancelled: "RequestTimeout",
  Closed: "ServiceUnavailable",
  Protocol: "InternalError",
};

/** Codes whose own message is meant for the user; others keep the table's. */
const tells = new Set<ErrorCode>([
  "InvalidArgument",
  "NoSuchUser",
  "QuotaExceeded",
  "TooLarge",
  "UserExists",
  "UserOwnsBuckets",
  "NotImplemented",
]);

/** What the client is told about any error. Defects say no more than InternalError. */
export function asS3Error(error: unknown): S3Error {
  if (error instanceof S3Error) return error;
  if (error instanceof QuarryError)
    return new S3Error(fromStore[error.code], tells.has(error.code) ? error.message : undefined);
  return new S3Error("InternalError");
}
