/**
 * A presigned URL. The client builds the request as it would be sent; where it would sign and send,
 * its own signer signs the query instead, and nothing is sent.
 */
import { GetObjectCommand, type S3Client } from "@aws-sdk/client-s3";

interface SignableRequest {
  method: string;
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
  query?: Readonly<Record<string, string | readonly string[] | null>>;
  readonly headers: Record<string, string>;
}

interface Presigner {
  presign(request: SignableRequest, options: object): Promise<SignableRequest>;
}

class Presigned extends Error {
  readonly url: string;
  constructor(url: string) {
    super("presigned, not sent");
    this.url = url;
  }
}

export async function presignedUrl(
  client: S3Client,
  input: { readonly Bucket: string; readonly Key: string; readonly VersionId?: string },
  method: "GET" | "PUT",
  expiresSeconds: number,
): Promise<string> {
  client.middlewareStack.add(
    () => async (args) => {
      const request = args.request as SignableRequest;
      request.method = method;
      const { "x-id": _, ...query } = request.query ?? {};
      request.query = query;
      for (const name of Object.keys(request.headers))
        if (name.toLowerCase() !== "host") delete request.headers[name];
      request.headers["x-amz-content-sha256"] = "UNSIGNED-PAYLOAD";
      const signer = (await client.config.signer()) as unknown as Presigner;
      const region = await client.config.region();
      const signed = await signer.presign(request, {
        expiresIn: expiresSeconds,
        signingRegion: region,
        signingService: "s3",
        unhoistableHeaders: new Set(),
        unsignableHeaders: new Set(["content-type"]),
      });
      throw new Presigned(urlOf(signed));
    },
    { step: "finalizeRequest", name: "quarryPresign", priority: "high" },
  );
  try {
    await client.send(new GetObjectCommand(input));
  } catch (error) {
    if (error instanceof Presigned) return error.url;
    throw error;
  }
  throw new Error("the request was sent instead of signed");
}

function urlOf({ protocol, hostname, port, path, query }: SignableRequest): string {
  const encode = (text: string) =>
    encodeURIComponent(text).replace(
      /[!'()*]/g,
      (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
    );
  const pairs = Object.entries(query ?? {}).map(
    ([name, value]) => `${encode(name)}=${encode(String(value ?? ""))}`,
  );
  return `${protocol}//${hostname}${port === undefined ? "" : `:${port}`}${path}?${pairs.join("&")}`;
}
