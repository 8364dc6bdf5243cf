/** The signature of a request, verified, beside the signer of the AWS SDK making the same one. */
import { createHash, createHmac } from "node:crypto";
import { systemClock } from "../../../base/clock.ts";
import { authenticate, claimOf, type SignedHead } from "../../../gateway/sigv4/authenticate.ts";
import { SigningKeys } from "../../../gateway/sigv4/signing-key.ts";
import { parseTarget } from "../../../gateway/target.ts";
import { signer } from "../sign.ts";
import { besides, type Micro, OURS, type Way } from "./micro.ts";

const BATCH = 100;
const REGION = "us-east-1";
const HOST = "127.0.0.1:9000";
const path = "/bench/some/folder/object-00000001";
const credentials = { accessKey: "bench-access-key", secretKey: "bench-secret-key-of-this-run" };

interface Smithy {
  readonly SignatureV4: new (
    options: object,
  ) => { sign(request: object): Promise<{ readonly headers: Record<string, string> }> };
}

export const sigv4: Micro = {
  what: "signatures verified beside the SDK's signer",
  async open() {
    const smithy = await besides<Smithy>("@smithy/signature-v4");
    const ways = [ours(), ...(smithy ? [theirs(smithy)] : [])];
    return {
      cases: [{ name: "sigv4", lanes: 1, ways }],
      [Symbol.asyncDispose]: async () => undefined,
    };
  },
};

function ours(): Way {
  const nowMs = systemClock.nowMs();
  const target = { url: `http://${HOST}`, bucket: "bench", region: REGION, signBody: false };
  const sign = signer({ ...target, credentials }, nowMs);
  const headers = sign({ method: "GET", path, query: "", body: Buffer.alloc(0) });
  const user = { secretKey: credentials.secretKey, id: "bench", displayName: "Bench" };
  const verifier = { keys: new SigningKeys(), region: REGION };
  const run = () => {
    for (let i = 0; i < BATCH; i++) {
      const head: SignedHead = { method: "GET", target: parseTarget(path, HOST), headers };
      const claim = claimOf(head);
      if (claim === undefined) throw new Error("the request claims nothing");
      authenticate(head, claim, user, verifier, nowMs);
    }
  };
  return { name: OURS, batch: BATCH, run };
}

function theirs({ SignatureV4 }: Smithy): Way {
  const { accessKey: accessKeyId, secretKey: secretAccessKey } = credentials;
  const service = new SignatureV4({
    ...{ service: "s3", region: REGION, sha256: Sha256, uriEscapePath: false },
    credentials: { accessKeyId, secretAccessKey },
  });
  const headers = { host: HOST, "x-amz-content-sha256": "UNSIGNED-PAYLOAD" };
  const request = { method: "GET", protocol: "http:", hostname: "127.0.0.1", port: 9000 };
  const run = async () => {
    for (let i = 0; i < BATCH; i++)
      await service.sign({ ...request, path, query: {}, headers: { ...headers } });
  };
  return { name: "SDK's signer", batch: BATCH, run };
}

/** The hash that the SDK is given, as its own for Node is. */
class Sha256 {
  readonly #hash;

  constructor(secret?: Uint8Array) {
    this.#hash = secret === undefined ? createHash("sha256") : createHmac("sha256", secret);
  }

  update(data: Uint8Array | string): void {
    this.#hash.update(data);
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
}
