/** Asking a gateway as one user, as another and as nobody, about a bucket with something of everything. */
import { expect } from "vitest";
import type { Store } from "../client/store.ts";
import type { allRoutes } from "../gateway/routes.ts";
import type { BucketSettings } from "../rpc/objects.ts";
import { headText, type RunningGateway, runGateway, user } from "./gateway-running.ts";
import { memoryStore } from "./memory-store.ts";
import { type Signer, sha256, signRequest } from "./sign-request.ts";

export type Who = Signer | undefined;
export interface Wanted {
  readonly method: string;
  readonly url: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}
export interface Told {
  readonly status: number;
  readonly code: string | undefined;
  readonly text: string;
}

export const refused = { status: 403, code: "AccessDenied" };

/** What is the same in two refusals: all but the names of the request and of what it asked for. */
export function refusal({ status, text }: Told): string {
  const own = /<(Resource|RequestId)>[^<]*|^(x-amz-request-id|date|content-length):.*$/gim;
  return `${status} ${text.replace(own, "")}`;
}

export interface Place {
  readonly bucket: string;
  readonly upload: string;
  /** The version id of the key "secret". */
  readonly version: string;
}

export class Asking implements AsyncDisposable {
  readonly store: Store;
  readonly #running: RunningGateway;
  #made = 0;

  private constructor(store: Store, running: RunningGateway) {
    this.store = store;
    this.#running = running;
  }

  static async open(): Promise<Asking> {
    const store = await memoryStore();
    return new Asking(store, await runGateway(store));
  }

  /** Asks as somebody, or as nobody, on a connection of its own. */
  async ask(who: Who, { method, url, headers = {}, body = "" }: Wanted): Promise<Told> {
    const { host } = this.#running;
    const all = { host, "content-length": String(body.length), ...headers };
    const signed =
      who === undefined
        ? all
        : signRequest(who, method, url, all, sha256(body), Date.now()).headers;
    const head = headText(method, url, { ...signed, connection: "close" });
    const text = await this.#running.raw(head, body);
    const code = /<Code>(\w+)<\/Code>/.exec(text)?.[1];
    return { status: Number(/^HTTP\/1.1 (\d+)/.exec(text)?.[1]), code, text };
  }

  newName(): string {
    return `place-${++this.#made}`;
  }

  /** A bucket of user-1 with versions, an object, a deleted key and an upload. */
  async place(settings: BucketSettings = {}, object: Wanted["headers"] = {}): Promise<Place> {
    const bucket = this.newName();
    const { names } = this.store;
    await names.execute({ type: "createBucket", bucket, owner: "user-1", settings });
    await names.execute({ type: "configureBucket", bucket, change: { versioning: "enabled" } });
    for (const key of ["secret", "gone"]) {
      const headers = key === "secret" ? object : {};
      const wanted = { method: "PUT", url: `/${bucket}/${key}`, headers, body: "bytes" };
      expect((await this.ask(user, wanted)).status).toBe(200);
    }
    await names.execute({ type: "deleteObject", bucket, key: "gone" });
    const begun = await names.execute({
      type: "createUpload",
      bucket,
      key: "secret",
      initiator: "user-1",
      attributes: { owner: "user-1" },
    });
    const { object: found } = await names.lookup({ bucket, key: "secret" });
    const upload = begun.type === "upload" ? begun.upload : "";
    return { bucket, upload, version: found.version };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#running[Symbol.asyncDispose]();
    await this.store[Symbol.asyncDispose]();
  }
}

type Row = (typeof allRoutes)[number];

/** A request that takes the route. */
export function requestOf([method, level, subresource]: Row, { bucket, upload }: Place): Wanted {
  const path = { service: "/", bucket: `/${bucket}`, object: `/${bucket}/secret` }[level];
  const value: Record<string, string> = { "list-type": "2", uploadId: upload, partNumber: "1" };
  const pairs = subresource === "" ? [] : [`${subresource}=${value[subresource] ?? ""}`];
  if (subresource === "uploadId" && method.startsWith("PUT")) pairs.unshift("partNumber=1");
  const url = pairs.length === 0 ? path : `${path}?${pairs.join("&")}`;
  if (method === "PUT copy")
    return { method: "PUT", url, headers: { "x-amz-copy-source": `/${bucket}/secret` } };
  if (method === "POST" && level === "bucket" && subresource === "") return formTo(url);
  if (subresource === "attributes")
    return { method, url, headers: { "x-amz-object-attributes": "ETag" } };
  return { method, url };
}

export function formTo(url: string): Wanted {
  const part = (name: string, text: string) =>
    `--line\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${text}\r\n`;
  const body = `${part("key", "new")}${part("file", "bytes")}--line--\r\n`;
  return {
    method: "POST",
    url,
    headers: { "content-type": "multipart/form-data; boundary=line" },
    body,
  };
}
