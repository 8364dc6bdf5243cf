import { type Command, InvalidArgumentError, Option } from "commander";
import { type ConnectOptions, connect, storeCommand } from "./connect.ts";
import { parseObject } from "./location.ts";
import { presignedUrl } from "./presigned-url.ts";
import { parseDuration } from "./printable.ts";
import { Report } from "./report.ts";

const EXAMPLES = `
Examples:
  quarry presign s3://photos/cat.jpg              # anyone with the address can read it for an hour
  quarry presign --expires 7d s3://photos/cat.jpg
  quarry presign --method PUT s3://inbox/report.pdf
      curl -T report.pdf "$(quarry presign --method PUT s3://inbox/report.pdf)"`;

const LONGEST_SECONDS = 7 * 86_400;

interface PresignOptions extends ConnectOptions {
  readonly expires: number;
  readonly method: "GET" | "PUT";
  readonly versionId?: string;
}

function parseExpiry(text: string): number {
  const seconds = parseDuration(text);
  if (seconds < 1 || seconds > LONGEST_SECONDS)
    throw new InvalidArgumentError("Addresses can be valid from 1s to 7d.");
  return seconds;
}

export function presignCommand(): Command {
  return storeCommand("presign", "make an address that needs no keys for a while")
    .argument("<s3://bucket/key>")
    .option("--expires <time>", "how long: 90s, 15m, 12h, 7d at most", parseExpiry, 3600)
    .addOption(
      new Option("--method <method>", "to read or to write").choices(["GET", "PUT"]).default("GET"),
    )
    .option("--version-id <id>", "an older version")
    .addHelpText("after", EXAMPLES)
    .action(async (target: string, options: PresignOptions) => {
      const at = parseObject(target);
      const { method, versionId } = options;
      const url = await presignedUrl(
        connect(options),
        {
          Bucket: at.bucket,
          Key: at.key,
          ...(versionId !== undefined && { VersionId: versionId }),
        },
        method,
        options.expires,
      );
      new Report({ ...options, quiet: false }).result(url, {
        url,
        method,
        ...at,
        expiresSeconds: options.expires,
      });
    });
}
