/** What a user may hold: the flags that say it, and the words that show it. */
import type { Command } from "commander";
import type { UserInfo } from "../../rpc/objects.ts";
import type { ConnectOptions } from "../objects/connect.ts";
import { counted, formatBytes } from "../objects/printable.ts";
import { parseBytes, parseCount } from "./quantities.ts";

export interface QuotaOptions extends ConnectOptions {
  readonly maxBytes?: number;
  readonly maxObjects?: number;
  readonly maxBuckets?: number;
}

export function withQuotaOptions(command: Command): Command {
  return command
    .option("--max-bytes <n>", "quota: bytes in all buckets of the user, e.g. 10GiB", parseBytes)
    .option("--max-objects <n>", "quota: objects and versions", parseCount)
    .option("--max-buckets <n>", "quota: buckets", parseCount);
}

/** Undefined where no flag limits anything. */
export function quotaOf({ maxBytes, maxObjects, maxBuckets }: QuotaOptions): UserInfo["quota"] {
  const quota = {
    ...(maxBytes !== undefined && { bytes: maxBytes }),
    ...(maxObjects !== undefined && { objects: maxObjects }),
    ...(maxBuckets !== undefined && { buckets: maxBuckets }),
  };
  return Object.keys(quota).length > 0 ? quota : undefined;
}

/** `10.0 GiB and 3 buckets`. */
export function saidQuota(quota: UserInfo["quota"]): string {
  const { bytes, objects, buckets } = quota ?? {};
  const said = [
    bytes === undefined ? [] : formatBytes(bytes),
    objects === undefined ? [] : counted(objects, "object"),
    buckets === undefined ? [] : counted(buckets, "bucket"),
  ].flat();
  return said.length === 0 ? "as much as there is room" : said.join(" and ");
}
