/** Objects of a gateway as registers: what one holds is its content. Nothing is repeated in here. */
import { createHash } from "node:crypto";
import type { Seen } from "../linearizable/history.ts";
import type { Outcome, Registers, Write } from "./registers.ts";
import { S3Wire } from "./s3-wire.ts";

const BUCKET = "faults";
/** Contents whose ETags are remembered. */
const REMEMBERED = 100_000;
const md5 = (content: string) => createHash("md5").update(content).digest("hex");

/** What was written, by its ETag: listings tell no more. Shared by all clients of a store. */
export class Contents {
  readonly #byEtag = new Map<string, string>();

  add(content: string): void {
    this.#byEtag.set(md5(content), content);
    if (this.#byEtag.size <= REMEMBERED) return;
    const [oldest] = this.#byEtag.keys();
    if (oldest !== undefined) this.#byEtag.delete(oldest);
  }

  of(etag: string): string {
    return this.#byEtag.get(etag) ?? etag;
  }
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

export class S3Registers implements Registers {
  readonly #contents: Contents;
  readonly #wire: S3Wire;

  constructor(endpoint: string, contents: Contents) {
    this.#wire = new S3Wire(endpoint);
    this.#contents = contents;
  }

  /** How often an answer was that the store cannot do this now, or none came. */
  get refusals(): ReadonlyMap<string, number> {
    return this.#wire.refusals;
  }

  close(): void {
    this.#wire.close();
  }

  async prepare(): Promise<void> {
    const { status, body } = await this.#ask("PUT", `/${BUCKET}`);
    if (status !== 200 && status !== 409) throw new Error(`no bucket: ${status} ${body}`);
  }

  async write(key: string, request: Write): Promise<Outcome> {
    const path = pathOf(key);
    if (request.type === "delete") return outcomeOf(await this.#ask("DELETE", path));
    const { etag, match } = request;
    this.#contents.add(etag);
    const condition: Record<string, string> =
      match === undefined
        ? {}
        : match === "none"
          ? { "if-none-match": "*" }
          : { "if-match": `"${md5(match)}"` };
    return outcomeOf(await this.#ask("PUT", path, etag, condition));
  }

  async read(key: string): Promise<Seen | "none"> {
    const { status, body } = await this.#ask("GET", pathOf(key));
    if (status === 200) return body;
    if (status === 404) return null;
    return notNow(status, body);
  }

  async list(prefix: string): Promise<ReadonlyMap<string, string> | "none"> {
    const found = new Map<string, string>();
    for (let after = ""; ; ) {
      const query = `?list-type=2&prefix=${encodeURIComponent(prefix)}&start-after=${encodeURIComponent(after)}`;
      const sorted = `?${query.slice(1).split("&").toSorted().join("&")}`;
      const { status, body } = await this.#ask("GET", `/${BUCKET}${sorted}`);
      if (status !== 200) return notNow(status, body);
      for (const [, key = "", etag = ""] of body.matchAll(
        /<Contents>.*?<Key>([^<]*)<\/Key>.*?<ETag>(?:"|&quot;|&#34;)([0-9a-f]{32})/gs,
      )) {
        found.set(key, this.#contents.of(etag));
        after = key;
      }
      if (!body.includes("<IsTruncated>true")) return found;
    }
  }

  /** Status 0: no answer came. */
  async #ask(
    method: string,
    url: string,
    content = "",
    more: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    const { status, body } = await this.#wire.ask(method, url, Buffer.from(content), more);
    return { status, body: body.toString() };
  }
}

const pathOf = (key: string) => `/${BUCKET}/${key}`;

/** What the store cannot do now it may have done all the same. */
function outcomeOf({ status, body }: Answer): Outcome {
  if (status >= 200 && status < 300) return { type: "done" };
  if (status === 412 || status === 404) return { type: "refused" };
  if (status === 0 || status >= 500) return "open";
  throw new Error(`${status} ${body}`);
}

function notNow(status: number, body: string): "none" {
  if (status === 0 || status >= 500) return "none";
  throw new Error(`${status} ${body}`);
}
