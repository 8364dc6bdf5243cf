/** AWS's rules for names of general purpose buckets, and the names that the gateway itself serves. */
const form = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const address = /^\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}$/;
const prefixes = ["xn--", "sthree-", "amzn-s3-demo-"];
const suffixes = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];
/** An endpoint serves these paths itself. */
export const reservedNames = new Set(["metrics", "health"]);

/** Whether a bucket of this name can exist. Each part between points is a label of a host's name. */
export function isBucketName(name: string): boolean {
  return (
    form.test(name) &&
    !/[.-]\.|\.-/.test(name) &&
    !address.test(name) &&
    !prefixes.some((prefix) => name.startsWith(prefix)) &&
    !suffixes.some((suffix) => name.endsWith(suffix)) &&
    !reservedNames.has(name)
  );
}
