/**
 * FastDFS ids over HTTP (docs/faces.md). Reading takes no right but the id, and a token where the gateway
 * asks for one; everything else takes the right to write into the group's bucket.
 */
import { isIPv4 } from "node:net";
import type { Logger } from "pino";
import type { Clock } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import type { Store } from "../../client/store.ts";
import type { BucketInfo } from "../../rpc/objects.ts";
import { mayUseBucket } from "../acl/permissions.ts";
import type { Answer } from "../answer.ts";
import type { Exchange } from "../exchange.ts";
import { Callers } from "../fids/callers.ts";
import { refusalOf, type TokenRule } from "../fids/token.ts";
import { anonymous, type Identity, isAnonymous } from "../identity.ts";
import { type OpenedJsonFace, openJsonFace } from "../json-face.ts";
import { judgedStore } from "../judged-store.ts";
import { S3Error } from "../s3/errors.ts";
import { parseTarget } from "../target.ts";
import { Files } from "./files.ts";
import type { HttpCall } from "./http-call.ts";
import { readFile, readMetadata, tellOfFile } from "./http-read.ts";
import { changeFile, removeFile, storeFile, writeMetadata } from "./http-write.ts";
import { reachedAt, STORAGE_NUMBER } from "./source.ts";

export interface FastdfsHttpOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly groups: readonly string[];
  /** Absent: files are served to whoever knows their ids. */
  readonly tokens?: TokenRule;
  /** The address that new names tell. Default: by which the gateway was reached. */
  readonly advertise?: string;
}

interface Asked {
  readonly group: string;
  readonly key: string;
  readonly query: ReadonlyMap<string, string>;
}

interface Verb {
  readonly right: "file" | "WRITE";
  readonly handle: (call: HttpCall) => Promise<Answer>;
}

export function createFastdfsHttp(options: FastdfsHttpOptions): OpenedJsonFace {
  const files = new Files(options);
  const callers = new Callers(options.store.names, options.clock);
  const { clock, random, logger } = options;
  const run = async (exchange: Exchange, url: string) =>
    await answer(options, files, callers, exchange, url);
  return openJsonFace({ clock, random, logger, name: "FastDFS", run });
}

async function answer(
  options: FastdfsHttpOptions,
  files: Files,
  callers: Callers,
  exchange: Exchange,
  url: string,
): Promise<Answer> {
  const { store, clock } = options;
  const { request } = exchange;
  const { authorization } = request.headers;
  const asked = askedOf(url, options.groups);
  const verb = verbOf(request.method ?? "", asked);
  if (verb.right === "file") checkToken(options, asked);
  const judge = async () => {
    const identity = await callers.identify(authorization);
    return { identity, bucket: await demand(store, identity, asked.group) };
  };
  const judged = verb.right === "file" ? undefined : await judge();
  const address = options.advertise ?? reachedAt(request.socket.localAddress);
  const source = isIPv4(address) ? address : STORAGE_NUMBER;
  const { body } = exchange;
  const { lengthBytes } = body;
  const sent = { bytes: body, ...(Number.isFinite(lengthBytes) && { lengthBytes }) };
  const call = { ...asked, request, source, body: sent };
  if (judged === undefined) return await verb.handle({ ...call, files, identity: anonymous });
  const { identity, bucket } = judged;
  const judgeAgain = async () => void (await judge());
  const allowed = { ...options, store: judgedStore({ store, bucket, clock, judgeAgain }) };
  return await verb.handle({ ...call, files: new Files(allowed), identity });
}

function askedOf(url: string, groups: readonly string[]): Asked {
  const { bucket: group, key, query } = parseTarget(url, "");
  if (!groups.includes(group))
    throw new S3Error("NoSuchBucket", "Files are at /group/M00/…; this group is not served here.");
  return { group, key, query };
}

function verbOf(method: string, { key, query }: Asked): Verb {
  const isRead = method === "GET" || method === "HEAD";
  if (key === "" && method === "POST") return { right: "WRITE", handle: storeFile };
  if (key !== "" && query.has("metadata")) {
    if (isRead) return { right: "file", handle: readMetadata };
    if (method === "PUT" || method === "PATCH") return { right: "WRITE", handle: writeMetadata };
  } else if (key !== "") {
    if (isRead) return { right: "file", handle: query.has("info") ? tellOfFile : readFile };
    if (method === "POST") return { right: "WRITE", handle: storeFile };
    if (method === "PATCH") return { right: "WRITE", handle: changeFile };
    if (method === "DELETE") return { right: "WRITE", handle: removeFile };
  }
  throw new S3Error(
    "MethodNotAllowed",
    "POST /group stores; GET, HEAD, POST, PATCH and DELETE /group/M00/…, PUT for ?metadata.",
  );
}

/** FastDFS' own tools make tokens of ids with and without the group. */
function checkToken({ tokens, clock }: FastdfsHttpOptions, { group, key, query }: Asked): void {
  if (tokens === undefined) return;
  const judge = (name: string) =>
    refusalOf(tokens, name, query.get("token"), query.get("ts"), clock.nowMs());
  const refusal = judge(key);
  if (refusal !== undefined && judge(`${group}/${key}`) !== undefined)
    throw new S3Error("AccessDenied", refusal, { Token: "refused" });
}

async function demand({ names }: Store, identity: Identity, group: string): Promise<BucketInfo> {
  const bucket = await names.bucket(group);
  if (mayUseBucket(identity, bucket, "WRITE")) return bucket;
  throw isAnonymous(identity)
    ? new S3Error(
        "AccessDenied",
        "Say who you are with Basic authentication: access key and secret key.",
      )
    : new S3Error("AccessDenied", "You may not write into this group's bucket.");
}
