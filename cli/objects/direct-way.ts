/**
 * The short way to a store: the SDK's signer and the SDK's connections, without the layers between
 * them, which cost half the CPU time of a small object. Only a plain success counts; whatever else
 * comes is left to the SDK, which asks again, retries, and knows the errors.
 */
import type { Readable } from "node:stream";
import type { S3Client } from "@aws-sdk/client-s3";
import type { Location } from "./location.ts";

const EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const ESCAPED = /[!'()*]/g;

type Signed = Parameters<S3Client["config"]["requestHandler"]["handle"]>[0];

export interface DirectAnswer {
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Readable;
}

export class DirectWay {
  readonly #client: S3Client;
  readonly #url: URL;
  readonly #base: string;

  /** For stores with buckets in the path; AWS's own have rules that the SDK knows. */
  static to(client: S3Client, endpoint: string, isPath: boolean): DirectWay | undefined {
    const url = new URL(endpoint);
    if (!isPath || url.hostname.endsWith(".amazonaws.com")) return undefined;
    return new DirectWay(client, url);
  }

  private constructor(client: S3Client, url: URL) {
    this.#client = client;
    this.#url = url;
    this.#base = url.pathname.replace(/\/+$/, "");
  }

  get(from: Location): Promise<DirectAnswer | undefined> {
    const headers = { "x-amz-checksum-mode": "ENABLED", "x-amz-content-sha256": EMPTY_SHA256 };
    return this.#send("GET", from, headers, undefined);
  }

  /** The way must be one that nobody can change: the body is not signed, only its checksum. */
  async put(
    to: Location,
    body: Buffer,
    checksum: string,
    contentType: string | undefined,
  ): Promise<DirectAnswer["headers"] | undefined> {
    const headers = {
      "content-length": String(body.length),
      "x-amz-checksum-crc32c": checksum,
      "x-amz-content-sha256": "UNSIGNED-PAYLOAD",
      ...(contentType !== undefined && { "content-type": contentType }),
    };
    const answer = await this.#send("PUT", to, headers, body);
    answer?.body.resume();
    return answer?.headers;
  }

  async #send(
    method: "GET" | "PUT",
    { bucket, key }: Location,
    headers: Record<string, string>,
    body: Buffer | undefined,
  ): Promise<DirectAnswer | undefined> {
    const { config } = this.#client;
    const { protocol, hostname, host, port } = this.#url;
    const signer = await config.signer();
    const signed = await signer.sign({
      method,
      protocol,
      hostname: hostname.replace(/^\[|\]$/g, ""),
      ...(port !== "" && { port: Number(port) }),
      path: `${this.#base}/${bucket}/${key.split("/").map(encoded).join("/")}`,
      query: {},
      headers: { host, "user-agent": "quarry", ...headers },
      ...(body !== undefined && { body }),
    });
    try {
      const { response } = await config.requestHandler.handle(signed as Signed);
      const answered = { headers: response.headers, body: response.body as Readable };
      if (response.statusCode === 200) return answered;
      answered.body.resume();
      return undefined;
    } catch {
      // Broken connections and the like: the SDK tries the whole request anew, and tells why.
      return undefined;
    }
  }
}

function encoded(segment: string): string {
  return encodeURIComponent(segment).replace(
    ESCAPED,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
