/** What a client is told whose bucket cannot be called so. */
import { isBucketName, reservedNames } from "../../client/bucket-name.ts";
import { S3Error } from "./errors.ts";

export function checkBucketName(name: string): void {
  if (reservedNames.has(name))
    throw new S3Error(
      "InvalidBucketName",
      `The name ${name} is reserved: this endpoint serves /${name} itself. Choose another name.`,
      { BucketName: name },
    );
  if (!isBucketName(name)) throw new S3Error("InvalidBucketName", undefined, { BucketName: name });
}
