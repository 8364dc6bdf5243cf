/**
 * Objects of a gateway as registers: what one holds is the first line of its content. Nothing is
 * repeated in here.
 */
import { createHash } from "node:crypto";
import type { Seen } from "../linearizable/history.ts";
import { contentFor } from "./corpus.ts";
import type { Outcome, Registers, Write } from "./registers.ts";
import { S3Wire } from "./s3-wire.ts";

const BUCKET = "faults";
/** Contents whose ETags are remembered. */
const REMEMBERED = 100_000;
const md5 = (content: string | Buffer) => createHash("md5").update(content).digest("hex");

/** The whole content of an object that holds a name; what follows the name follows from it. */
type ContentOf = (name: string) => Buffer;

const nameOnly: ContentOf = (name) => Buffer.from(name);

/** Mostly small, some large enough to be cut into pieces, a few of two chunks. */
export const mixedContents: ContentOf = (name) => {
  const draw = createHash("md5").update(name).digest().readUInt32LE(0);
  const lengthBytes =
    draw % 100 < 80 ? draw % 9_000 : draw % 100 < 97 ? draw % 400_000 : 4_200_000 + (draw % 99);
  return Buffer.concat([Buffer.from(`${name}\n`), contentFor(name, lengthBytes)]);
};

/** What was written, by its ETag: listings tell no more. Shared by all clients of a store. */
export class Contents {
  readonly #byEtag = new Map<string, string>();
  readonly of: ContentOf;

  constructor(of: ContentOf = nameOnly) {
    this.of = of;
  }

  /** Tells the content. */
  add(name: string): Buffer {
    const content = this.of(name);
    this.#byEtag.set(md5(content), name);
    if (this.#byEtag.size > REMEMBERED) {
      const [oldest] = this.#byEtag.keys();
      if (oldest !== undefined) this.#byEtag.delete(oldest);
    }
    return content;
  }

  etagOf(name: string): string {
    return md5(this.of(name));
  }

  nameOf(etag: string): string {
    return this.#byEtag.get(etag) ?? etag;
  }

  /** What an object holds, or that nobody wrote it so. */
  nameIn(content: Buffer): string {
    const end = content.indexOf("\n");
    const name = content.subarray(0, end < 0 ? 100 : end).toString();
    return this.of(name).equals(content) ? name : `${content.length} wrong bytes of ${name}`;
  }
}

interface Answer {
  readonly status: number;
  readonly body: Buffer;
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
    const content = this.#contents.add(etag);
    const condition: Record<string, string> =
      match === undefined
        ? {}
        : match === "none"
          ? { "if-none-match": "*" }
          : { "if-match": `"${this.#contents.etagOf(match)}"` };
    return outcomeOf(await this.#ask("PUT", path, content, condition));
  }

  async read(key: string): Promise<Seen | "none"> {
    const { status, body } = await this.#ask("GET", pathOf(key));
    if (status === 200) return this.#contents.nameIn(body);
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
      for (const [, key = "", etag = ""] of body
        .toString()
        .matchAll(/<Contents>.*?<Key>([^<]*)<\/Key>.*?<ETag>(?:"|&quot;|&#34;)([0-9a-f]{32})/gs)) {
        found.set(key, this.#contents.nameOf(etag));
        after = key;
      }
      if (!body.includes("<IsTruncated>true")) return found;
    }
  }

  /** Status 0: no answer came. */
  #ask(
    method: string,
    url: string,
    content?: Buffer,
    more?: Readonly<Record<string, string>>,
  ): Promise<Answer> {
    return this.#wire.ask(method, url, content, more);
  }
}

const pathOf = (key: string) => `/${BUCKET}/${key}`;

/** Nobody was there to hear it. */
const isNotBegun = (error: Buffer) => error.includes("ECONNREFUSED");

/** What the store cannot do now it may have done all the same. */
function outcomeOf({ status, body }: Answer): Outcome {
  if (status === 0 && isNotBegun(body)) return "none";
  if (status >= 200 && status < 300) return { type: "done" };
  if (status === 412 || status === 404) return { type: "refused" };
  if (status === 0 || status >= 500) return "open";
  throw new Error(`${status} ${body}`);
}

function notNow(status: number, body: Buffer): "none" {
  if (status === 0 || status >= 500) return "none";
  throw new Error(`${status} ${body}`);
}
