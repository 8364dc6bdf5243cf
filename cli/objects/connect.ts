/** Reaching a store: endpoint and credentials from flags, environment or the AWS profile. */
import { S3Client } from "@aws-sdk/client-s3";
import { Command } from "commander";

export interface ConnectOptions {
  readonly endpoint?: string;
  readonly accessKey?: string;
  readonly secretKey?: string;
  readonly region?: string;
  readonly json?: boolean;
}

/** A command with the options that all commands on a running store share. */
export function storeCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .option("--endpoint <url>", "where the store is (or AWS_ENDPOINT_URL; http://127.0.0.1:9000)")
    .option("--access-key <key>", "access key (or AWS_ACCESS_KEY_ID, or the AWS profile)")
    .option("--secret-key <key>", "secret key (or AWS_SECRET_ACCESS_KEY, or the AWS profile)")
    .option("--region <name>", "region (us-east-1)")
    .option("--json", "print JSON, one object a line");
}

export function connect(options: ConnectOptions): S3Client {
  const endpoint = options.endpoint ?? process.env["AWS_ENDPOINT_URL"] ?? "http://127.0.0.1:9000";
  const accessKeyId = options.accessKey ?? process.env["QUARRY_ROOT_ACCESS_KEY"];
  const secretAccessKey = options.secretKey ?? process.env["QUARRY_ROOT_SECRET_KEY"];
  return new S3Client({
    endpoint,
    region: options.region ?? process.env["AWS_REGION"] ?? "us-east-1",
    forcePathStyle: true,
    ...(accessKeyId !== undefined &&
      secretAccessKey !== undefined && { credentials: { accessKeyId, secretAccessKey } }),
  });
}
