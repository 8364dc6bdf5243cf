/**
 * Takes out of the SDK's client what costs much for each request and gives nothing here: about a fifth of
 * the CPU time of a transfer of small files. What a later SDK does not have under these
 * names is simply not taken out.
 */
import type { S3Client, S3ClientConfig } from "@aws-sdk/client-s3";

const NOT_NEEDED = [
  "loggerMiddleware",
  "recursionDetectionMiddleware",
  "s3ExpressMiddleware",
  "getUserAgentMiddleware",
];

/** How the addresses of a store with buckets in the path are made; rules for AWS's own are the SDK's. */
export function pathEndpoints(endpoint: string): Pick<S3ClientConfig, "endpointProvider"> {
  if (new URL(endpoint).hostname.endsWith(".amazonaws.com")) return {};
  const known = new Map<string, { readonly url: URL }>();
  return {
    endpointProvider: ({ Bucket }) => {
      const bucket = Bucket ?? "";
      let found = known.get(bucket);
      if (found === undefined) {
        const base = endpoint.replace(/\/+$/, "");
        found = { url: new URL(bucket === "" ? base : `${base}/${encodeURIComponent(bucket)}`) };
        known.set(bucket, found);
      }
      return found;
    },
  };
}

export function makeLean(client: S3Client): void {
  for (const name of NOT_NEEDED) client.middlewareStack.remove(name);
  client.middlewareStack.add(
    (next) => (args) => {
      (args.request as { headers: Record<string, string> }).headers["user-agent"] = "quarry";
      return next(args);
    },
    { step: "build", name: "quarryUserAgent" },
  );
  // A signer is good for all requests of one client: it asks for the credentials each time.
  const { config } = client;
  const makeSigner = config.signer;
  let signer: ReturnType<typeof makeSigner> | undefined;
  config.signer = (scheme) => {
    signer ??= makeSigner(scheme);
    return signer;
  };
}
