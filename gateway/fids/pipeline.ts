/**
 * The way of every request of the fid face: target → who calls → what it may → verb → answer. Reading
 * what a fid names takes no right but its name, and a token where the gateway asks for one: names
 * cannot be guessed. Everything else takes the rights that the bucket gives.
 */
import type { Logger } from "pino";
import type { Clock } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import type { App } from "../../client/fids/fids.ts";
import type { Store } from "../../client/store.ts";
import { mayUseBucket } from "../acl/permissions.ts";
import type { Answer } from "../answer.ts";
import type { Exchange } from "../exchange.ts";
import { anonymous, type Identity, isAnonymous } from "../identity.ts";
import { judgedBody } from "../json-face.ts";
import { S3Error } from "../s3/errors.ts";
import type { FidCall } from "./call.ts";
import { Callers } from "./callers.ts";
import { readFile, removeFile, storeFile, tellOfFile } from "./files.ts";
import { putNamed, readNamed, removeNamed } from "./named.ts";
import { type FidTarget, fidTargetOf } from "./target.ts";
import { refusalOf, type TokenRule } from "./token.ts";

export interface FidPipelineOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Absent: files are served to whoever knows their names. */
  readonly tokens?: TokenRule;
}

interface Verb {
  /** `file`: by its name, and a token; `WRITE`: who may write into the bucket; `object`: judged by the verb. */
  readonly right: "file" | "WRITE" | "object";
  readonly handle: (call: FidCall) => Promise<Answer>;
}

export class FidPipeline {
  readonly #options: FidPipelineOptions;
  readonly #callers: Callers;

  constructor(options: FidPipelineOptions) {
    this.#options = options;
    this.#callers = new Callers(options.store.names, options.clock);
  }

  /** Answers one request; `url` is the target as it was sent. */
  async run(exchange: Exchange, url: string): Promise<Answer> {
    const { store, clock } = this.#options;
    const { request } = exchange;
    const target = fidTargetOf(url);
    const verb = verbOf(request.method ?? "", target);
    this.#checkToken(verb, target);
    const { authorization } = request.headers;
    const identity =
      verb.right === "file" ? anonymous : await this.#callers.identify(authorization);
    const app = await store.fids.apps.of(target.app);
    if (verb.right === "WRITE") demand(identity, app);
    const judgeAgain = async () => {
      const now = await this.#callers.identify(authorization);
      demand(now, await store.fids.apps.of(target.app));
    };
    const body = judgedBody(exchange, judgeAgain);
    const call = { request, target, identity, store, fids: store.fids, app, clock, body };
    return await verb.handle(call);
  }

  #checkToken({ right }: Verb, { name, query }: FidTarget): void {
    const { tokens, clock } = this.#options;
    if (tokens === undefined || right !== "file") return;
    const refusal = refusalOf(tokens, name, query.get("token"), query.get("ts"), clock.nowMs());
    if (refusal !== undefined) throw new S3Error("AccessDenied", refusal, { Token: "refused" });
  }
}

function verbOf(method: string, { name, fid, isMetadata, query }: FidTarget): Verb {
  const isRead = method === "GET" || method === "HEAD";
  // What is told of hidden files is for those who may write.
  if (isMetadata && isRead)
    return { right: query.get("type") === "1" ? "WRITE" : "file", handle: tellOfFile };
  if (!isMetadata && name === "" && method === "POST") return { right: "WRITE", handle: storeFile };
  if (!isMetadata && fid !== undefined) {
    if (isRead) return { right: "file", handle: readFile };
    if (method === "DELETE") return { right: "WRITE", handle: removeFile };
    if (method === "PUT")
      throw new S3Error(
        "MethodNotAllowed",
        "A file that a fid names never changes: POST the new one, and DELETE this.",
      );
  }
  if (!isMetadata && name !== "" && fid === undefined) {
    if (isRead) return { right: "object", handle: readNamed };
    if (method === "PUT") return { right: "WRITE", handle: putNamed };
    if (method === "DELETE") return { right: "WRITE", handle: removeNamed };
  }
  throw new S3Error(
    "MethodNotAllowed",
    "POST /v1/app stores; GET, HEAD and DELETE /v1/app/name, PUT for names that are no fids.",
  );
}

function demand(identity: Identity, { info }: App): void {
  if (!mayUseBucket(identity, info, "WRITE"))
    throw new S3Error(
      "AccessDenied",
      isAnonymous(identity)
        ? "Say who you are with Basic authentication: access key and secret key."
        : "You may not write into this bucket.",
    );
}
