/** `quarry admin quota`: what a bucket may hold. */
import type { Command } from "commander";
import { QuarryError } from "../../base/errors.ts";
import { type ConnectOptions, connect, storeCommand } from "../objects/connect.ts";
import { parseBucket } from "../objects/location.ts";
import { parseBytes, parseCount } from "./quantities.ts";
import { adminRequest } from "./request.ts";
import { saidQuota } from "./user-quota.ts";

interface QuotaOptions extends ConnectOptions {
  readonly bytes?: number;
  readonly objects?: number;
  readonly none?: boolean;
}

export function quotaCommand(): Command {
  return storeCommand("quota", "limit what a bucket may hold")
    .argument("<s3://bucket>")
    .option("--bytes <n>", "bytes of all versions, e.g. 10GiB", parseBytes)
    .option("--objects <n>", "objects and versions", parseCount)
    .option("--none", "no limit any more")
    .addHelpText("after", "\nExample:\n  quarry admin quota s3://photos --bytes 10GiB")
    .action(async (target: string, options: QuotaOptions) => {
      const bucket = parseBucket(target);
      const { bytes, objects, none } = options;
      if ((bytes === undefined && objects === undefined) !== (none === true))
        throw new QuarryError("InvalidArgument", "give --bytes or --objects or both, or --none");
      const quota =
        none === true
          ? null
          : { ...(bytes !== undefined && { bytes }), ...(objects !== undefined && { objects }) };
      const body = { type: "configureBucket", bucket, change: { quota } };
      await adminRequest(connect(options), { method: "POST", query: { "quarry-admin": "" }, body });
      console.log(
        options.json
          ? JSON.stringify({ bucket, quota })
          : `s3://${bucket} may hold ${saidQuota(quota ?? undefined)}`,
      );
    });
}
