/**
 * Bucket settings that do not exist yet: reading them answers what AWS answers for a bucket where
 * nothing was set, which is true; setting them is not implemented (see the route table).
 */
import { xmlAnswer } from "../answer.ts";
import type { Handler } from "../call.ts";
import { xmlDocument } from "../xml-write.ts";
import { S3Error, type S3ErrorCode } from "./errors.ts";

/** The bucket exists (authorization saw it); the setting does not. */
export function notConfigured(code: S3ErrorCode): Handler {
  return async (call) => {
    await call.store.names.bucket(call.target.bucket);
    throw new S3Error(code, undefined, { BucketName: call.target.bucket });
  };
}

export function emptyConfiguration(root: string, inner = ""): Handler {
  return async (call) => {
    await call.store.names.bucket(call.target.bucket);
    return xmlAnswer(xmlDocument(root, inner));
  };
}
