/** A store with secrets of two users, and the ways to attack it that the tests of published holes share. */
import { onTestFinished } from "vitest";
import type { Store } from "../../client/store.ts";
import { headText, type RunningGateway, runGateway, user } from "../gateway-running.ts";
import { memoryStore } from "../memory-store.ts";
import { type Signer, sha256, signRequest } from "../sign-request.ts";

export const EMPTY = sha256("");
export const close = { connection: "close" };
export const codeOf = (answer: string) =>
  /<Code>(\w+)<\/Code>/.exec(answer)?.[1] ?? answer.slice(9, 12);

export interface Attacked {
  readonly store: Store;
  readonly gateway: RunningGateway;
  /** A request signed by `as` (the first user), with a body that its head promises. */
  send(method: string, url: string, more?: SendMore): Promise<string>;
  /** A request as it is written. */
  raw(method: string, url: string, headers: Record<string, string>, body?: string): Promise<string>;
  /** All keys of a bucket. */
  keys(bucket: string): Promise<string[]>;
}

/** The spelling that is signed: unreserved characters as they are, other escapes in upper case. */
function oneSpelling(url: string): string {
  return url.replace(/%([0-9a-f]{2})/gi, (spelled, hex: string) => {
    const char = String.fromCharCode(Number.parseInt(hex, 16));
    return /[\w.~-]/.test(char) ? char : spelled.toUpperCase();
  });
}

interface SendMore {
  readonly as?: Signer;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

/** `bucket` belongs to the first user; `strangers`, with the object `secret`, to the second. */
export async function attacked(): Promise<Attacked> {
  const store = await memoryStore();
  const gateway = await runGateway(store);
  onTestFinished(async () => {
    await gateway.gateway.close();
    await store[Symbol.asyncDispose]();
  });
  const { names } = store;
  await names.execute({ type: "createBucket", bucket: "bucket", owner: "user-1" });
  await names.execute({ type: "createBucket", bucket: "strangers", owner: "user-2" });
  const bytes = (async function* () {
    yield Buffer.from("the stranger's secret");
  })();
  await store.put({ bucket: "strangers", key: "secret" }, { bytes }, () => ({
    etag: "0".repeat(32),
  }));
  const raw: Attacked["raw"] = (method, url, headers, body = "") =>
    gateway.raw(headText(method, url, { host: gateway.host, ...close, ...headers }), body);
  return {
    store,
    gateway,
    raw,
    send(method, url, { as = user, headers = {}, body = "" } = {}) {
      const all = { host: gateway.host, ...headers, "content-length": String(body.length) };
      const signed = signRequest(as, method, oneSpelling(url), all, sha256(body), Date.now());
      return raw(method, url, signed.headers, body);
    },
    async keys(bucket) {
      const page = await names.list({ bucket, prefix: "", delimiter: "", after: "", limit: 1000 });
      return page.objects.map(({ key }) => key);
    },
  };
}
