/** A request of our own to the gateway, signed with the SDK's signer and sent by its handler. */
import type { S3Client } from "@aws-sdk/client-s3";
import { QuarryError } from "../../base/errors.ts";

export interface AdminRequest {
  readonly method: "GET" | "POST";
  readonly query: Record<string, string>;
  readonly body?: unknown;
}

type Signed = Parameters<S3Client["config"]["requestHandler"]["handle"]>[0];

export interface AdminAnswer {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export async function adminRequest(client: S3Client, request: AdminRequest): Promise<string> {
  return (await adminAnswer(client, request)).body.toString();
}

/** @throws QuarryError when the store refuses, with its own words. */
export async function adminAnswer(client: S3Client, request: AdminRequest): Promise<AdminAnswer> {
  const { config } = client;
  const endpoint = await config.endpoint?.();
  if (endpoint === undefined)
    throw new QuarryError("InvalidArgument", "say where the store is with --endpoint");
  const { protocol, hostname, port } = endpoint;
  const body = request.body === undefined ? "" : JSON.stringify(request.body);
  const signer = await config.signer();
  const signed = await signer.sign({
    method: request.method,
    protocol,
    hostname,
    ...(port !== undefined && { port }),
    path: "/",
    query: request.query,
    headers: {
      host: port === undefined ? hostname : `${hostname}:${port}`,
      "content-length": String(Buffer.byteLength(body)),
    },
    body,
  });
  const { response } = await config.requestHandler.handle(signed as Signed);
  const parts: Uint8Array[] = [];
  for await (const part of response.body as AsyncIterable<Uint8Array>) parts.push(part);
  const answer = Buffer.concat(parts);
  if (response.statusCode >= 300) throw refusal(response.statusCode, answer.toString());
  return { headers: response.headers, body: answer };
}

function refusal(status: number, xml: string): QuarryError {
  const field = (name: string) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1];
  const code = field("Code");
  if (code === "AccessDenied")
    return new QuarryError("Forbidden", "only the root user may do this: use root's keys");
  if (code === "NoSuchBucket") return new QuarryError("NoSuchBucket", "there is no such bucket");
  const message = field("Message") ?? `the store answered ${status}`;
  return new QuarryError(
    code === "InvalidArgument" ? "InvalidArgument" : "Unavailable",
    code === undefined ? message : `${message} (${code})`,
  );
}
