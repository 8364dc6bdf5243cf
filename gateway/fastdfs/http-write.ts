/** Verbs that store, change and remove files and their metadata. */
import { limits } from "../../base/limits.ts";
import { type Answer, emptyAnswer, jsonAnswer } from "../answer.ts";
import { S3Error } from "../s3/errors.ts";
import { bytesParameter, type HttpCall, smallBody } from "./http-call.ts";
import type { Metadata } from "./metadata.ts";

/** POST /group, or /group/key for a slave, or to make a normal file of an appender. */
export async function storeFile(call: HttpCall): Promise<Answer> {
  const { files, group, key, query, body, source, identity } = call;
  const extension = query.get("ext") ?? "";
  if (key === "") {
    const appender = query.has("appender");
    const where = { group, source, owner: identity.id };
    return created(group, await files.upload(where, { extension, appender }, body));
  }
  if (query.has("regenerate")) return created(group, await files.regenerate(group, key));
  const prefix = query.get("slave");
  if (prefix === undefined)
    throw new S3Error("InvalidArgument", "Say slave=PREFIX for a slave of this file.");
  const slave = { master: key, prefix, extension };
  return created(group, await files.uploadSlave(group, slave, body, identity.id));
}

function created(group: string, key: string): Answer {
  const id = `${group}/${key}`;
  return { ...jsonAnswer({ id }), status: 201, headers: { Location: `/${id}` } };
}

/** PATCH /group/key: append, or overwrite from `offset` on, or `truncate` to so many bytes. */
export async function changeFile(call: HttpCall): Promise<Answer> {
  const { files, group, key, body } = call;
  const truncate = bytesParameter(call, "truncate");
  const offset = bytesParameter(call, "offset");
  const { lengthBytes, bytes } = body;
  if (truncate !== undefined) await files.truncate(group, key, truncate);
  else if (offset === undefined) await files.append(group, key, body);
  else if (lengthBytes === undefined) throw new S3Error("MissingContentLength");
  else await files.modify(group, key, offset, { bytes, lengthBytes });
  return emptyAnswer(204);
}

export async function removeFile({ files, group, key }: HttpCall): Promise<Answer> {
  await files.remove(group, key);
  return emptyAnswer(204);
}

/** PUT replaces, PATCH merges: an object of texts. */
export async function writeMetadata(call: HttpCall): Promise<Answer> {
  const { files, group, key, request } = call;
  const text = (await smallBody(call, limits.fastdfsFrameBytes)).toString("utf8");
  const how = request.method === "PUT" ? "overwrite" : "merge";
  await files.setMetadata(group, key, metadataOf(text), how);
  return emptyAnswer(204);
}

function metadataOf(text: string): Metadata {
  const wrong = () =>
    new S3Error("InvalidArgument", 'Metadata is a JSON object of texts, as {"width":"160"}.');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw wrong();
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrong();
  const pairs = Object.entries(value).map(([name, one]: [string, unknown]) => {
    if (typeof one !== "string") throw wrong();
    return [name, one] as const;
  });
  return Object.fromEntries(pairs);
}
