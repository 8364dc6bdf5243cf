/** The list that PutBucketAcl and PutObjectAcl bring: in a body, as a canned one, or by grant headers. */
import type { Grant } from "../../rpc/objects.ts";
import { type Call, header } from "../call.ts";
import { readSmallBody, settingWishes } from "../payload.ts";
import { S3Error } from "../s3/errors.ts";
import { aclOfHeaders, resolveGrants } from "./acl-headers.ts";
import { parseAcl } from "./acl-xml.ts";
import { kept, type Owners } from "./canned.ts";

/** As it is to be kept; null for what holds without a list. */
export async function askedAcl(call: Call, owners: Owners): Promise<readonly Grant[] | null> {
  const body = await bodyOf(call);
  const byHeaders = await aclOfHeaders(call.headers, call.store.names, owners);
  if (byHeaders !== undefined && body.length > 0)
    throw new S3Error("UnexpectedContent", "An ACL stands in the body or in headers, not in both.");
  if (byHeaders !== undefined) return kept(byHeaders, owners.owner) ?? null;
  if (body.length === 0)
    throw new S3Error("MissingSecurityHeader", undefined, { MissingHeaderName: "x-amz-acl" });
  const written = parseAcl(body);
  // Whom a thing belongs to cannot be changed by its list.
  if (written.owner !== owners.owner) throw new S3Error("AccessDenied");
  return kept(await resolveGrants(call.store.names, written.grants), owners.owner) ?? null;
}

async function bodyOf(call: Call): Promise<Uint8Array> {
  const sent =
    header(call, "content-length") !== undefined || header(call, "transfer-encoding") !== undefined;
  return sent ? await readSmallBody(call.payload(settingWishes)) : new Uint8Array(0);
}

/**
 * Where the owner of a bucket switched lists off, one that says what holds anyway is taken and not
 * kept. @throws S3Error `AccessControlListNotSupported` for any other.
 */
export function listsAreOff(call: Call): boolean {
  if (call.bucket?.ownership !== "BucketOwnerEnforced") return false;
  if (header(call, "x-amz-acl") === "bucket-owner-full-control") return true;
  throw new S3Error("AccessControlListNotSupported");
}
