/** POST /bucket/key?uploads */
import { assert } from "../../base/errors.ts";
import type { ChecksumAlgorithm } from "../../rpc/objects.ts";
import { ownershipOf } from "../acl/new-object.ts";
import { type Answer, xmlAnswer } from "../answer.ts";
import { type Call, header } from "../call.ts";
import { checksumAlgorithmOf } from "../checksum-headers.ts";
import { isAnonymous } from "../identity.ts";
import { element, xmlDocument } from "../xml-write.ts";
import { S3Error } from "./errors.ts";
import { attributesOf } from "./object-attributes.ts";

interface ChecksumChoice {
  readonly checksumAlgorithm?: ChecksumAlgorithm;
  readonly checksumType?: "FULL_OBJECT" | "COMPOSITE";
}

/** CRC64NVME is of the full object only, SHA of the parts only; the other CRCs can be either. */
function checksumChoice(call: Call): ChecksumChoice {
  const named = checksumAlgorithmOf(call.headers);
  const type = header(call, "x-amz-checksum-type")?.toUpperCase();
  if (named === undefined) {
    if (type === undefined) return {};
    throw new S3Error("InvalidRequest", "x-amz-checksum-type needs x-amz-checksum-algorithm.");
  }
  const natural = named === "CRC64NVME" ? "FULL_OBJECT" : "COMPOSITE";
  const checksumType = type ?? natural;
  const fits =
    checksumType === "COMPOSITE"
      ? named !== "CRC64NVME"
      : checksumType === "FULL_OBJECT" && !named.startsWith("SHA");
  if (!fits)
    throw new S3Error(
      "InvalidRequest",
      `The ${checksumType} checksum type cannot be used with the ${named.toLowerCase()} checksum algorithm.`,
    );
  return { checksumAlgorithm: named, checksumType: checksumType as "FULL_OBJECT" | "COMPOSITE" };
}

export async function createMultipartUpload(call: Call): Promise<Answer> {
  const { bucket, key } = call.target;
  if (isAnonymous(call.identity))
    throw new S3Error("AccessDenied", "Anonymous users cannot initiate multipart uploads.");
  const choice = checksumChoice(call);
  const result = await call.store.names.execute({
    type: "createUpload",
    bucket,
    key,
    initiator: call.identity.id,
    attributes: attributesOf(call, await ownershipOf(call, call.headers)),
    ...choice,
  });
  assert(result.type === "upload", "createUpload answers with an upload");
  const headers: Record<string, string> = {};
  if (choice.checksumAlgorithm !== undefined)
    headers["x-amz-checksum-algorithm"] = choice.checksumAlgorithm;
  if (choice.checksumType !== undefined) headers["x-amz-checksum-type"] = choice.checksumType;
  return xmlAnswer(
    xmlDocument(
      "InitiateMultipartUploadResult",
      element("Bucket", bucket) + element("Key", key) + element("UploadId", result.upload),
    ),
    headers,
  );
}
