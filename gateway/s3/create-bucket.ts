/** PUT /bucket */
import { hasCode } from "../../base/errors.ts";
import type { BucketInfo, BucketSettings } from "../../rpc/objects.ts";
import { aclOfHeaders } from "../acl/acl-headers.ts";
import { kept } from "../acl/canned.ts";
import { ownershipRule } from "../acl/ownership-rule.ts";
import { type Answer, emptyAnswer } from "../answer.ts";
import { type Call, header } from "../call.ts";
import { readSmallBody, settingWishes } from "../payload.ts";
import { parseXml, textOf } from "../xml-read.ts";
import { checkBucketName } from "./bucket-name.ts";
import { S3Error } from "./errors.ts";
import { FIRST_REGION } from "./get-bucket-location.ts";

/** The location constraint, which must be absent or name the region of this gateway. */
async function askedRegion(call: Call): Promise<string | undefined> {
  const chunked = header(call, "transfer-encoding") !== undefined;
  if (!chunked && (header(call, "content-length") ?? "0") === "0") return undefined;
  const body = await readSmallBody(call.payload(settingWishes));
  if (body.length === 0) return undefined;
  const constraint = textOf(parseXml(body, "CreateBucketConfiguration"), "LocationConstraint");
  if (constraint === undefined || constraint === "") return undefined;
  if (constraint === call.region) return constraint;
  throw new S3Error(
    "InvalidLocationConstraint",
    `The specified location constraint is not valid: this endpoint is the region ${call.region}.`,
    { LocationConstraint: constraint },
  );
}

/** What the headers set on the new bucket: its ACL, and who will own its objects. */
async function settingsOf(call: Call): Promise<BucketSettings> {
  const { id: owner } = call.identity;
  const grants = await aclOfHeaders(call.headers, call.store.names, { owner });
  const acl = grants === undefined ? undefined : kept(grants, owner);
  const asked = header(call, "x-amz-object-ownership");
  const ownership = asked === undefined ? undefined : ownershipRule(asked);
  if (asked !== undefined && ownership === undefined)
    throw new S3Error("InvalidArgument", "Invalid x-amz-object-ownership header", {
      ArgumentName: "x-amz-object-ownership",
      ArgumentValue: asked,
    });
  if (ownership === "BucketOwnerEnforced" && acl !== undefined)
    throw new S3Error("InvalidBucketAclWithObjectOwnership");
  return { ...(acl !== undefined && { acl }), ...(ownership !== undefined && { ownership }) };
}

export async function createBucket(call: Call): Promise<Answer> {
  const { bucket } = call.target;
  checkBucketName(bucket);
  const region = await askedRegion(call);
  const { id: owner } = call.identity;
  const settings = await settingsOf(call);
  const { store } = call;
  try {
    await store.names.execute({
      type: "createBucket",
      bucket,
      owner,
      settings,
      ...(region !== undefined && { region }),
    });
  } catch (error) {
    if (!hasCode(error, "BucketExists")) throw error;
    madeBefore(call, await store.names.bucket(bucket), settings);
  }
  return emptyAnswer(200, { Location: `/${bucket}` });
}

/**
 * Making one's own bucket again is no mistake in the region where AWS began, unless it is to be
 * another than it is.
 */
function madeBefore(call: Call, bucket: BucketInfo, settings: BucketSettings): void {
  const { name, owner } = bucket;
  const other = JSON.stringify(bucket.acl) !== JSON.stringify(settings.acl);
  if (owner !== call.identity.id || other || bucket.ownership !== settings.ownership)
    throw new S3Error("BucketAlreadyExists", undefined, { BucketName: name });
  if (call.region !== FIRST_REGION)
    throw new S3Error("BucketAlreadyOwnedByYou", undefined, { BucketName: name });
}
