/** Reaching a store: endpoint, region and credentials from flags, environment or the AWS profile. */
import { S3Client } from "@aws-sdk/client-s3";
import { Command, Option } from "commander";
import { QuarryError } from "../../base/errors.ts";
import { makeLean, pathEndpoints } from "./lean-client.ts";
import { ownChecksums } from "./own-checksums.ts";
import { MAX_AT_ONCE } from "./parallel.ts";
import { readProfile } from "./profile.ts";

const DEFAULT_ENDPOINT = "http://127.0.0.1:9000";
const ATTEMPTS = 5;
const CONNECT_TIMEOUT_MS = 10_000;
/** A store that says nothing for this long is given up; slow ones send white space meanwhile. */
const SILENCE_MS = 120_000;

export interface ConnectOptions {
  readonly endpoint?: string;
  readonly accessKey?: string;
  readonly secretKey?: string;
  readonly region?: string;
  readonly profile?: string;
  readonly addressing?: "path" | "virtual";
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** A command with the options that all commands on a store share. */
export function storeCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .option("--endpoint <url>", `where the store is (AWS_ENDPOINT_URL; ${DEFAULT_ENDPOINT})`)
    .option("--profile <name>", "profile of ~/.aws/config and ~/.aws/credentials (AWS_PROFILE)")
    .option("--access-key <key>", "access key (AWS_ACCESS_KEY_ID)")
    .option("--secret-key <key>", "secret key (AWS_SECRET_ACCESS_KEY)")
    .option("--region <name>", "region (AWS_REGION; us-east-1)")
    .addOption(
      new Option("--addressing <style>", "bucket in the path or in the host name").choices([
        "path",
        "virtual",
      ]),
    )
    .option("--json", "print JSON, one object a line; errors too, on the error output")
    .option("-q, --quiet", "print errors only");
}

export interface Place {
  readonly endpoint: string;
  readonly region: string;
}

/** Flags win over the environment, that over the profile's file. */
export function placeOf(options: ConnectOptions): Place {
  const { env } = process;
  const profile = readProfile(options.profile ?? env["AWS_PROFILE"] ?? "default");
  if (options.profile !== undefined && !profile.found)
    throw new QuarryError(
      "InvalidArgument",
      `there is no profile ${options.profile} in ${profile.files.join(" or ")}`,
    );
  // Who names a profile means its endpoint, whatever the environment says.
  const fromProfile = options.profile === undefined ? undefined : profile.endpoint;
  const endpoint =
    options.endpoint ??
    fromProfile ??
    env["AWS_ENDPOINT_URL_S3"] ??
    env["AWS_ENDPOINT_URL"] ??
    profile.endpoint ??
    DEFAULT_ENDPOINT;
  const region =
    options.region ??
    (options.profile === undefined ? undefined : profile.region) ??
    env["AWS_REGION"] ??
    env["AWS_DEFAULT_REGION"] ??
    profile.region ??
    "us-east-1";
  return { endpoint: checked(endpoint), region };
}

function checked(endpoint: string): string {
  const url = URL.parse(endpoint);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new QuarryError(
      "InvalidArgument",
      `${endpoint} is no address of a store; one is ${DEFAULT_ENDPOINT} or https://s3.eu-central-1.amazonaws.com`,
    );
  return endpoint;
}

/** Nobody between can change what is sent: TLS, or the machine itself. */
export function isTrustedWay(endpoint: string): boolean {
  const { protocol, hostname } = new URL(endpoint);
  return protocol === "https:" || /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
}

export function connect(options: ConnectOptions): S3Client {
  const { endpoint, region } = placeOf(options);
  const credentials = givenCredentials(options);
  const isPath = (options.addressing ?? "path") === "path";
  const agent = { keepAlive: true, maxSockets: 2 * MAX_AT_ONCE };
  const client = new S3Client({
    endpoint,
    region,
    forcePathStyle: isPath,
    ...(isPath && pathEndpoints(endpoint)),
    cacheMiddleware: true,
    maxAttempts: ATTEMPTS,
    // Checksums are made and compared here, by native code.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    requestHandler: {
      httpAgent: agent,
      httpsAgent: agent,
      connectionTimeout: CONNECT_TIMEOUT_MS,
      socketTimeout: SILENCE_MS,
      socketAcquisitionWarningTimeout: SILENCE_MS,
    },
    ...(options.profile !== undefined && { profile: options.profile }),
    ...(credentials !== undefined && { credentials }),
  });
  makeLean(client);
  ownChecksums(client, isTrustedWay(endpoint));
  return client;
}

/**
 * Those of flags, and root's from the environment of `quarry serve` where AWS's names say nothing: who
 * gives both means to work as somebody else than root. The SDK knows where all others are.
 */
export function givenCredentials(
  options: Pick<ConnectOptions, "accessKey" | "secretKey" | "profile">,
) {
  const { env } = process;
  const root = [env["QUARRY_ROOT_ACCESS_KEY"], env["QUARRY_ROOT_SECRET_KEY"]];
  const aws = [env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"]];
  const isAws = aws[0] !== undefined || env["AWS_PROFILE"] !== undefined;
  const isSaid = options.profile !== undefined || isAws;
  if (options.accessKey === undefined && options.secretKey === undefined) {
    const [accessKeyId, secretAccessKey] = root;
    if (isSaid || accessKeyId === undefined || secretAccessKey === undefined) return undefined;
    return { accessKeyId, secretAccessKey };
  }
  // One flag may change one half of what the environment says.
  const [ofEnvironment, secretOfEnvironment] = isAws ? aws : root;
  const accessKeyId = options.accessKey ?? ofEnvironment;
  const secretAccessKey = options.secretKey ?? secretOfEnvironment;
  if (accessKeyId === undefined || secretAccessKey === undefined)
    throw new QuarryError("InvalidArgument", "--access-key and --secret-key belong together");
  return { accessKeyId, secretAccessKey };
}
