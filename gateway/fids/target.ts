/** What a request is for: `/v1/app`, `/v1/app/name` or `/v1/app/metadata/name`, and its parameters. */
import { type ParsedFid, parseFidName } from "../../client/fids/name.ts";
import { S3Error } from "../s3/errors.ts";
import { parseTarget } from "../target.ts";

export interface FidTarget {
  /** The bucket. */
  readonly app: string;
  /** Of the file, with the suffix that a parameter gave; empty for none. */
  readonly name: string;
  /** Undefined: the name is a key of the bucket. */
  readonly fid: ParsedFid | undefined;
  /** What is known of the file is asked for, not the file. */
  readonly isMetadata: boolean;
  readonly query: ReadonlyMap<string, string>;
}

const METADATA = "metadata/";

/** @throws S3Error `InvalidURI`, `NoSuchKey` for paths that are none. */
export function fidTargetOf(url: string): FidTarget {
  const { bucket: version, key, query } = parseTarget(url, "");
  if (version !== "v1")
    throw new S3Error("NoSuchKey", "Files are at /v1/app/name, where app is a bucket.");
  const slash = key.indexOf("/");
  const app = slash < 0 ? key : key.slice(0, slash);
  if (app === "") throw new S3Error("NoSuchBucket", "The path names no app, which is a bucket.");
  const rest = slash < 0 ? "" : key.slice(slash + 1);
  if (rest.startsWith(METADATA)) {
    const name = suffixed(rest.slice(METADATA.length), query);
    const fid = parseFidName(name);
    if (fid !== undefined) return { app, name, fid, isMetadata: true, query };
  }
  const name = parseFidName(rest) === undefined ? rest : suffixed(rest, query);
  return { app, name, fid: parseFidName(name), isMetadata: false, query };
}

/** A suffix is told in the name, in a parameter, or alike in both. */
function suffixed(name: string, query: ReadonlyMap<string, string>): string {
  const suffix = query.get("suffix") ?? "";
  const own = parseFidName(name)?.suffix ?? "";
  if (suffix === "" || own === suffix) return name;
  if (own !== "")
    throw new S3Error("NoSuchKey", "The name has another suffix than the parameter says.");
  return name + suffix;
}
