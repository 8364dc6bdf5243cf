/**
 * Checksums are made and compared here, by native code, not by the SDK: it is only told to send and
 * to ask for them.
 */
import type { S3Client } from "@aws-sdk/client-s3";

const hashes = new WeakMap<object, string>();

/** Says the SHA-256 of a body that will be streamed, where the way to the store is not trusted. */
export function payloadHash(body: object, sha256: string): void {
  hashes.set(body, sha256);
}

/**
 * On a trusted way the signed checksum header stands for the body: no SHA-256 on both sides beside
 * it.
 */
export function ownChecksums(client: S3Client, trusted: boolean): void {
  client.middlewareStack.add(
    (next, { commandName }) =>
      (args) => {
        const { headers } = args.request as { headers: Record<string, string> };
        const { Body: body } = args.input as { readonly Body?: unknown };
        if (commandName === "GetObjectCommand") headers["x-amz-checksum-mode"] = "ENABLED";
        else if (body !== null && typeof body === "object") {
          const hash = hashes.get(body);
          if (hash !== undefined) headers["x-amz-content-sha256"] = hash;
          else if (trusted && headers["x-amz-checksum-crc32c"] !== undefined)
            headers["x-amz-content-sha256"] = "UNSIGNED-PAYLOAD";
        }
        return next(args);
      },
    { step: "build", name: "quarryChecksums", priority: "low" },
  );
}
