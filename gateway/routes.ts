/**
 * The route table: method, level and subresource choose the verb; each verb says who may use it.
 * What does not stand here is refused.
 */
import type { IncomingHttpHeaders } from "node:http";
import type { Right } from "./acl/evaluate.ts";
import { adminCommand } from "./admin/commands.ts";
import { listUsers } from "./admin/list-users.ts";
import { statePiece } from "./admin/state-piece.ts";
import type { Handler } from "./call.ts";
import { abortMultipartUpload } from "./s3/abort-multipart-upload.ts";
import { completeMultipartUpload } from "./s3/complete-multipart-upload.ts";
import { copyObject } from "./s3/copy-object.ts";
import { createBucket } from "./s3/create-bucket.ts";
import { createMultipartUpload } from "./s3/create-multipart-upload.ts";
import { deleteBucket } from "./s3/delete-bucket.ts";
import { deleteBucketCors } from "./s3/delete-bucket-cors.ts";
import { deleteOwnership } from "./s3/delete-bucket-ownership-controls.ts";
import { deleteBucketTagging } from "./s3/delete-bucket-tagging.ts";
import { deleteObject } from "./s3/delete-object.ts";
import { deleteObjectTagging } from "./s3/delete-object-tagging.ts";
import { deleteObjects } from "./s3/delete-objects.ts";
import { S3Error } from "./s3/errors.ts";
import { getBucketAcl } from "./s3/get-bucket-acl.ts";
import { getBucketCors } from "./s3/get-bucket-cors.ts";
import { getBucketLocation } from "./s3/get-bucket-location.ts";
import { getOwnership } from "./s3/get-bucket-ownership-controls.ts";
import { getBucketPolicyStatus } from "./s3/get-bucket-policy-status.ts";
import { getBucketTagging } from "./s3/get-bucket-tagging.ts";
import { getBucketVersioning } from "./s3/get-bucket-versioning.ts";
import { getObject, headObject } from "./s3/get-object.ts";
import { getObjectAcl } from "./s3/get-object-acl.ts";
import { getObjectAttributes } from "./s3/get-object-attributes.ts";
import { getObjectTagging } from "./s3/get-object-tagging.ts";
import { getObjectTorrent } from "./s3/get-object-torrent.ts";
import { getUsage } from "./s3/get-usage.ts";
import { headBucket } from "./s3/head-bucket.ts";
import { listBuckets } from "./s3/list-buckets.ts";
import { listMultipartUploads } from "./s3/list-multipart-uploads.ts";
import { listObjectVersions } from "./s3/list-object-versions.ts";
import { listObjects } from "./s3/list-objects.ts";
import { listObjectsV2 } from "./s3/list-objects-v2.ts";
import { listParts } from "./s3/list-parts.ts";
import { postObject } from "./s3/post-object.ts";
import { putBucketAcl } from "./s3/put-bucket-acl.ts";
import { putBucketCors } from "./s3/put-bucket-cors.ts";
import { putOwnership } from "./s3/put-bucket-ownership-controls.ts";
import { putBucketTagging } from "./s3/put-bucket-tagging.ts";
import { putBucketVersioning } from "./s3/put-bucket-versioning.ts";
import { putObject } from "./s3/put-object.ts";
import { putObjectAcl } from "./s3/put-object-acl.ts";
import { putObjectTagging } from "./s3/put-object-tagging.ts";
import { emptyConfiguration, notConfigured } from "./s3/unconfigured.ts";
import { undeleteObject } from "./s3/undelete-object.ts";
import { uploadPart } from "./s3/upload-part.ts";
import { uploadPartCopy } from "./s3/upload-part-copy.ts";
import { subresourceOf } from "./subresources.ts";
import type { Target } from "./target.ts";
import { element } from "./xml-write.ts";

/**
 * `anyone`: also without a signature. `account`: any user, for what is the user's own. `owner`: the
 * owner of the bucket. `root`: the user that makes the others. `bucket:…`, `object:…`: who owns it or
 * was granted the right in its list; the handler asks for an object with `call.permit`, when it was
 * looked up. `upload`: who may write to the bucket and began the upload, or owns the bucket.
 */
export type Access =
  | "anyone"
  | "account"
  | "owner"
  | "root"
  | "upload"
  | `bucket:${Right}`
  | `object:${Exclude<Right, "WRITE">}`;

export interface Route {
  /** AWS's name of the operation. */
  readonly verb: string;
  readonly access: Access;
  readonly handle: Handler;
}

type Level = "service" | "bucket" | "object";

/** A PUT whose bytes are those of another object; no HTTP method is called so. */
const COPY = "PUT copy";
const COPY_SOURCE = "x-amz-copy-source";

/** Method, level, subresource ("" for none), verb, access, handler. */
type Row = readonly [string, Level, string, string, Access, Handler];

const table: readonly Row[] = [
  ["GET", "service", "", "ListBuckets", "anyone", listBuckets],
  ["GET", "service", "usage", "GetUsage", "account", getUsage],
  ["POST", "service", "quarry-admin", "AdminCommand", "root", adminCommand],
  ["GET", "service", "quarry-users", "ListUsers", "root", listUsers],
  ["GET", "service", "quarry-state", "GetState", "root", statePiece],

  ["PUT", "bucket", "", "CreateBucket", "account", createBucket],
  ["HEAD", "bucket", "", "HeadBucket", "bucket:READ", headBucket],
  ["DELETE", "bucket", "", "DeleteBucket", "owner", deleteBucket],
  ["GET", "bucket", "", "ListObjects", "bucket:READ", listObjects],
  ["GET", "bucket", "list-type", "ListObjectsV2", "bucket:READ", listObjectsV2],
  ["GET", "bucket", "location", "GetBucketLocation", "owner", getBucketLocation],
  ["GET", "bucket", "uploads", "ListMultipartUploads", "bucket:READ", listMultipartUploads],
  ["GET", "bucket", "versioning", "GetBucketVersioning", "owner", getBucketVersioning],
  ["PUT", "bucket", "versioning", "PutBucketVersioning", "owner", putBucketVersioning],
  ["GET", "bucket", "versions", "ListObjectVersions", "bucket:READ", listObjectVersions],
  ["GET", "bucket", "cors", "GetBucketCors", "owner", getBucketCors],
  ["PUT", "bucket", "cors", "PutBucketCors", "owner", putBucketCors],
  ["DELETE", "bucket", "cors", "DeleteBucketCors", "owner", deleteBucketCors],
  ["GET", "bucket", "tagging", "GetBucketTagging", "owner", getBucketTagging],
  ["PUT", "bucket", "tagging", "PutBucketTagging", "owner", putBucketTagging],
  ["DELETE", "bucket", "tagging", "DeleteBucketTagging", "owner", deleteBucketTagging],
  ["GET", "bucket", "acl", "GetBucketAcl", "bucket:READ_ACP", getBucketAcl],
  ["PUT", "bucket", "acl", "PutBucketAcl", "bucket:WRITE_ACP", putBucketAcl],
  ["GET", "bucket", "ownershipControls", "GetBucketOwnershipControls", "owner", getOwnership],
  ["PUT", "bucket", "ownershipControls", "PutBucketOwnershipControls", "owner", putOwnership],
  [
    "DELETE",
    "bucket",
    "ownershipControls",
    "DeleteBucketOwnershipControls",
    "owner",
    deleteOwnership,
  ],
  ["GET", "bucket", "policyStatus", "GetBucketPolicyStatus", "owner", getBucketPolicyStatus],
  ["POST", "bucket", "", "PostObject", "bucket:WRITE", postObject],
  ["POST", "bucket", "delete", "DeleteObjects", "bucket:WRITE", deleteObjects],

  ["GET", "object", "", "GetObject", "object:READ", getObject],
  ["HEAD", "object", "", "HeadObject", "object:READ", headObject],
  ["GET", "object", "partNumber", "GetObject", "object:READ", getObject],
  ["HEAD", "object", "partNumber", "HeadObject", "object:READ", headObject],
  ["GET", "object", "torrent", "GetObjectTorrent", "object:READ", getObjectTorrent],
  ["GET", "object", "attributes", "GetObjectAttributes", "object:READ", getObjectAttributes],
  ["PUT", "object", "", "PutObject", "bucket:WRITE", putObject],
  [COPY, "object", "", "CopyObject", "bucket:WRITE", copyObject],
  ["DELETE", "object", "", "DeleteObject", "bucket:WRITE", deleteObject],
  ["GET", "object", "acl", "GetObjectAcl", "object:READ_ACP", getObjectAcl],
  ["PUT", "object", "acl", "PutObjectAcl", "object:WRITE_ACP", putObjectAcl],
  ["GET", "object", "tagging", "GetObjectTagging", "owner", getObjectTagging],
  ["PUT", "object", "tagging", "PutObjectTagging", "owner", putObjectTagging],
  ["DELETE", "object", "tagging", "DeleteObjectTagging", "owner", deleteObjectTagging],
  ["POST", "object", "quarry-undelete", "UndeleteObject", "owner", undeleteObject],
  ["POST", "object", "uploads", "CreateMultipartUpload", "bucket:WRITE", createMultipartUpload],
  ["PUT", "object", "uploadId", "UploadPart", "upload", uploadPart],
  [COPY, "object", "uploadId", "UploadPartCopy", "upload", uploadPartCopy],
  ["GET", "object", "uploadId", "ListParts", "upload", listParts],
  ["POST", "object", "uploadId", "CompleteMultipartUpload", "upload", completeMultipartUpload],
  ["DELETE", "object", "uploadId", "AbortMultipartUpload", "upload", abortMultipartUpload],
];

/** Settings of a bucket that can be asked for, though not set. */
const unconfigured: readonly (readonly [string, string, Handler])[] = [
  ["accelerate", "GetBucketAccelerateConfiguration", emptyConfiguration("AccelerateConfiguration")],
  [
    "encryption",
    "GetBucketEncryption",
    notConfigured("ServerSideEncryptionConfigurationNotFoundError"),
  ],
  ["lifecycle", "GetBucketLifecycleConfiguration", notConfigured("NoSuchLifecycleConfiguration")],
  ["logging", "GetBucketLogging", emptyConfiguration("BucketLoggingStatus")],
  ["notification", "GetBucketNotification", emptyConfiguration("NotificationConfiguration")],
  [
    "object-lock",
    "GetObjectLockConfiguration",
    notConfigured("ObjectLockConfigurationNotFoundError"),
  ],
  ["policy", "GetBucketPolicy", notConfigured("NoSuchBucketPolicy")],
  [
    "publicAccessBlock",
    "GetPublicAccessBlock",
    notConfigured("NoSuchPublicAccessBlockConfiguration"),
  ],
  ["replication", "GetBucketReplication", notConfigured("ReplicationConfigurationNotFoundError")],
  [
    "requestPayment",
    "GetBucketRequestPayment",
    emptyConfiguration("RequestPaymentConfiguration", element("Payer", "BucketOwner")),
  ],
  ["website", "GetBucketWebsite", notConfigured("NoSuchWebsiteConfiguration")],
];

export const allRoutes: readonly Row[] = [
  ...table,
  ...unconfigured.map(
    ([name, verb, handle]): Row => ["GET", "bucket", name, verb, "owner", handle],
  ),
];

/** By level and subresource, then by method: no text is put together for a look-up. */
const routes = new Map<Level, Map<string, Map<string, Route>>>();

function add(method: string, level: Level, subresource: string, route: Route): void {
  const ofLevel = routes.get(level) ?? new Map<string, Map<string, Route>>();
  const ofSubresource = ofLevel.get(subresource) ?? new Map<string, Route>();
  routes.set(level, ofLevel.set(subresource, ofSubresource.set(method, route)));
}

for (const [method, level, subresource, verb, access, handle] of allRoutes)
  add(method, level, subresource, { verb, access, handle });

function levelOf(target: Target): Level {
  return target.bucket === "" ? "service" : target.key === "" ? "bucket" : "object";
}

/** Whether a request names a source to copy from, in a header or in what stands for one in a URL. */
function copies(target: Target, headers: IncomingHttpHeaders): boolean {
  if (headers[COPY_SOURCE] !== undefined) return true;
  for (const name of target.query.keys()) if (name.toLowerCase() === COPY_SOURCE) return true;
  return false;
}

/** The route of a request; an error when there is none. */
export function routeOf(
  method: string,
  target: Target,
  headers: IncomingHttpHeaders,
): Route | S3Error {
  const subresource = subresourceOf(target.query);
  if (subresource === undefined)
    return new S3Error("NotImplemented", "A query parameter of the request is not understood.");
  const level = levelOf(target);
  const asked = method === "PUT" && copies(target, headers) ? COPY : method;
  const route = routes.get(level)?.get(subresource)?.get(asked);
  if (route !== undefined) return route;
  if (subresource === "" && asked !== COPY && method !== "POST" && method !== "OPTIONS")
    return new S3Error("MethodNotAllowed", undefined, { Method: method });
  const what = subresource === "" ? "" : `?${subresource} `;
  return new S3Error("NotImplemented", `${asked} ${what}on a ${level} is not implemented.`);
}
