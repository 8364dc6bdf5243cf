/** AWS's rules for names of general purpose buckets, and the names that the gateway itself serves. */
import { S3Error } from "./errors.ts";

const form = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const address = /^\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}$/;
const prefixes = ["xn--", "sthree-", "amzn-s3-demo-"];
const suffixes = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];
const reserved = new Set(["metrics", "health"]);

/** Whether a bucket of this name can exist. Each part between points is a label of a host's name. */
export function isBucketName(name: string): boolean {
  return (
    form.test(name) &&
    !/[.-]\.|\.-/.test(name) &&
    !address.test(name) &&
    !prefixes.some((prefix) => name.startsWith(prefix)) &&
    !suffixes.some((suffix) => name.endsWith(suffix)) &&
    !reserved.has(name)
  );
}

export function checkBucketName(name: string): void {
  if (reserved.has(name))
    throw new S3Error(
      "InvalidBucketName",
      `The name ${name} is reserved: this endpoint serves /${name} itself. Choose another name.`,
      { BucketName: name },
    );
  if (!isBucketName(name)) throw new S3Error("InvalidBucketName", undefined, { BucketName: name });
}
