/** Who owns the objects of a bucket: as headers and XML name the rule. */
import type { BucketSettings } from "../../rpc/objects.ts";
import { S3Error } from "../s3/errors.ts";
import { childrenOf, parseXml, textOf } from "../xml-read.ts";

export type OwnershipRule = Exclude<BucketSettings["ownership"], undefined>;

const rules = ["BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"] as const;

export function ownershipRule(text: string): OwnershipRule | undefined {
  return rules.find((rule) => rule === text);
}

/** The body of PutBucketOwnershipControls: exactly one rule. */
export function parseOwnershipControls(bytes: Uint8Array): OwnershipRule {
  const [only, ...more] = childrenOf(parseXml(bytes, "OwnershipControls"), "Rule");
  const text = only === undefined ? undefined : textOf(only, "ObjectOwnership")?.trim();
  const rule = text === undefined ? undefined : ownershipRule(text);
  if (rule === undefined || more.length > 0) throw new S3Error("MalformedXML");
  return rule;
}
