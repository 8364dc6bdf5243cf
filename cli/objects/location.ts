/** `s3://bucket/key`, taken apart. */
import { QuarryError } from "../../base/errors.ts";

export interface Location {
  readonly bucket: string;
  /** May be empty, may end in a slash. */
  readonly key: string;
}

export function isLocation(text: string): boolean {
  return text.startsWith("s3://");
}

export function parseLocation(text: string): Location {
  if (!isLocation(text))
    throw new QuarryError("InvalidArgument", `${text} is not a place in a store: s3://bucket/key`);
  const rest = text.slice("s3://".length);
  const slash = rest.indexOf("/");
  const bucket = slash < 0 ? rest : rest.slice(0, slash);
  if (bucket === "") throw new QuarryError("InvalidArgument", `${text} names no bucket`);
  return { bucket, key: slash < 0 ? "" : rest.slice(slash + 1) };
}

/** Like {@link parseLocation}, for where a key is needed. */
export function parseObject(text: string): Location {
  const location = parseLocation(text);
  if (location.key === "")
    throw new QuarryError(
      "InvalidArgument",
      `${text} names a bucket; an object is s3://bucket/key`,
    );
  return location;
}

/** Like {@link parseLocation}, for where only a bucket makes sense. */
export function parseBucket(text: string): string {
  const { bucket, key } = parseLocation(text);
  if (key !== "")
    throw new QuarryError("InvalidArgument", `${text} names an object; a bucket is s3://${bucket}`);
  return bucket;
}

/** What stands below a place as in a folder: `a` means `a/…`, never its neighbour `ab`. */
export function parseTree(text: string): Location {
  const { bucket, key } = parseLocation(text);
  return { bucket, key: key === "" || key.endsWith("/") ? key : `${key}/` };
}

/** For people and for commands that they paste. */
export function urlOf({ bucket, key }: Location): string {
  return `s3://${bucket}/${key}`;
}
