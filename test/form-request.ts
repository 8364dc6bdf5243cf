/** Forms for tests: multipart bodies and signed policies, made apart from the gateway's own code. */
import { createHmac } from "node:crypto";
import type { Signer } from "./sign-request.ts";

export type Field = readonly [name: string, value: string | Uint8Array, filename?: string];

export const BOUNDARY = "----test-boundary";
export const FORM_TYPE = `multipart/form-data; boundary=${BOUNDARY}`;

export function formBody(fields: readonly Field[], boundary = BOUNDARY): Buffer {
  const parts: (string | Uint8Array)[] = [];
  for (const [name, value, filename] of fields) {
    const file = filename === undefined ? "" : `; filename="${filename}"`;
    parts.push(
      `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${file}\r\n\r\n`,
      value,
      "\r\n",
    );
  }
  parts.push(`--${boundary}--\r\n`);
  return Buffer.concat(parts.map((part) => Buffer.from(part as Uint8Array)));
}

const HOUR_MS = 3_600_000;

export function policyText(
  conditions: readonly unknown[],
  expiresMs = Date.now() + HOUR_MS,
): string {
  const expiration = new Date(expiresMs).toISOString();
  return Buffer.from(JSON.stringify({ expiration, conditions })).toString("base64");
}

/** The fields that prove a policy with signature version 2. */
export function signed2(signer: Signer, policy: string): Field[] {
  const signature = createHmac("sha1", signer.secretKey).update(policy).digest("base64");
  return [
    ["AWSAccessKeyId", signer.accessKey],
    ["policy", policy],
    ["signature", signature],
  ];
}

/** The same with version 4, which puts its own fields under the policy. */
export function signed4(
  signer: Signer,
  conditions: readonly unknown[],
  { region = signer.region, nowMs = Date.now(), expiresMs = Date.now() + HOUR_MS } = {},
): Field[] {
  const timestamp = new Date(nowMs).toISOString().replace(/[-:]|\.\d+/g, "");
  const date = timestamp.slice(0, 8);
  const own = {
    "x-amz-algorithm": "AWS4-HMAC-SHA256",
    "x-amz-credential": `${signer.accessKey}/${date}/${region}/s3/aws4_request`,
    "x-amz-date": timestamp,
  };
  const all = [...conditions, ...Object.entries(own).map(([name, value]) => ({ [name]: value }))];
  const policy = policyText(all, expiresMs);
  const key = [date, region, "s3", "aws4_request"].reduce<string | Buffer>(
    (before, text) => createHmac("sha256", before).update(text).digest(),
    `AWS4${signer.secretKey}`,
  );
  const signature = createHmac("sha256", key).update(policy).digest("hex");
  return [...Object.entries(own), ["policy", policy], ["x-amz-signature", signature]];
}
