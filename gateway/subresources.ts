/**
 * Every query parameter that S3 gives a meaning. A subresource chooses the verb; a parameter serves
 * one. What is in neither list is refused: a subresource of tomorrow must not pass for GetObject.
 */

/** Subresources, most specific first where a request may carry two (`uploadId` with `partNumber`). */
export const subresources: ReadonlySet<string> = new Set([
  "uploadId",
  "uploads",
  "delete",
  "list-type",
  "location",
  "versioning",
  "versions",
  "acl",
  "abac",
  "accelerate",
  "analytics",
  "annotation",
  "annotations",
  "append",
  "attributes",
  "cors",
  "encryption",
  "intelligent-tiering",
  "inventory",
  "legal-hold",
  "lifecycle",
  "logging",
  "metadataConfiguration",
  "metadataInventoryTable",
  "metadataJournalTable",
  "metadataTable",
  "metrics",
  "notification",
  "object-lock",
  "ownershipControls",
  "partNumber",
  "policy",
  "policyStatus",
  "publicAccessBlock",
  "quarry-admin",
  "quarry-state",
  "quarry-undelete",
  "quarry-users",
  "renameObject",
  "replication",
  "requestPayment",
  "restore",
  "retention",
  "select",
  "session",
  "tagging",
  "torrent",
  "usage",
  "website",
]);

/** Parameters of verbs; they never choose one. */
const parameters: ReadonlySet<string> = new Set([
  "allow-unordered",
  // what a browser carries to the address that a form named, if that is here
  "bucket",
  "etag",
  "key",
  "bucket-region",
  "continuation-token",
  "delimiter",
  "encoding-type",
  "fetch-owner",
  "key-marker",
  "marker",
  "max-buckets",
  "max-keys",
  "max-parts",
  "max-uploads",
  "part-number-marker",
  "prefix",
  "read-stats",
  "response-cache-control",
  "response-content-disposition",
  "response-content-encoding",
  "response-content-language",
  "response-content-type",
  "response-expires",
  "start-after",
  "upload-id-marker",
  "version-id-marker",
  "versionId",
]);

/** The subresource of a request: "" for none, undefined when a parameter is not understood. */
export function subresourceOf(query: ReadonlyMap<string, string>): string | undefined {
  if (query.size === 0) return "";
  let found = "";
  for (const name of query.keys()) {
    if (subresources.has(name)) {
      if (name === "partNumber" && query.has("uploadId")) continue;
      if (found !== "") return undefined; // two at once mean nothing
      found = name;
    } else if (!parameters.has(name) && !/^x-/i.test(name)) return undefined;
  }
  return found;
}
