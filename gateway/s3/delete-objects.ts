/** POST /bucket?delete: up to 1000 keys in one request, each with its own outcome. */
import { limits } from "../../base/limits.ts";
import { type Answer, xmlAnswer } from "../answer.ts";
import type { Call } from "../call.ts";
import { readSmallBody, xmlWishes } from "../payload.ts";
import { childrenOf, parseXml, textOf, type XmlNode } from "../xml-read.ts";
import { element, wrap, xmlDocument } from "../xml-write.ts";
import { removeKey } from "./delete-object.ts";
import { asS3Error, S3Error } from "./errors.ts";
import type { DeleteDemands } from "./write-conditions.ts";

const understood = new Set(["Key", "VersionId", "ETag", "LastModifiedTime", "Size"]);

export async function deleteObjects(call: Call): Promise<Answer> {
  const payload = call.payload(xmlWishes);
  if (!payload.guarded)
    throw new S3Error(
      "InvalidRequest",
      "Missing required header for this request: Content-MD5 OR x-amz-checksum-*",
    );
  const root = parseXml(await readSmallBody(payload), "Delete");
  const quiet = textOf(root, "Quiet")?.trim().toLowerCase() === "true";
  const objects = childrenOf(root, "Object");
  if (objects.length === 0 || objects.length > limits.listKeys) throw new S3Error("MalformedXML");
  const wanted = objects.map(wantedOf);
  const rows = new Array<string>(wanted.length).fill("");
  let next = 0;
  const worker = async () => {
    for (let i = next++; i < wanted.length; i = next++) {
      const one = wanted[i];
      if (one !== undefined) rows[i] = await deleteOne(call, one, quiet);
    }
  };
  await Promise.all(Array.from({ length: Math.min(limits.deletesAtOnce, wanted.length) }, worker));
  return xmlAnswer(xmlDocument("DeleteResult", rows.join("")));
}

interface Wanted {
  readonly key: string;
  readonly versionId: string | undefined;
  readonly demands: DeleteDemands;
  /** A condition that is not understood. */
  readonly unknown: string | undefined;
}

function wantedOf(object: XmlNode): Wanted {
  const key = textOf(object, "Key");
  if (key === undefined || key === "") throw new S3Error("MalformedXML");
  const unknown = object.children.find((child) => !understood.has(child.name))?.name;
  return {
    key,
    versionId: textOf(object, "VersionId") || undefined,
    demands: {
      etag: textOf(object, "ETag"),
      modified: textOf(object, "LastModifiedTime"),
      length: textOf(object, "Size"),
    },
    unknown,
  };
}

async function deleteOne(call: Call, wanted: Wanted, quiet: boolean): Promise<string> {
  const { key, versionId, demands, unknown } = wanted;
  const named = element("Key", key) + element("VersionId", versionId);
  try {
    if (unknown !== undefined)
      throw new S3Error("NotImplemented", `The condition ${unknown} is not implemented.`);
    if (Buffer.byteLength(key) > limits.keyBytes) throw new S3Error("KeyTooLongError");
    const done = await removeKey(call, key, versionId, demands);
    if (quiet) return "";
    const marker = done.deleteMarker
      ? element("DeleteMarker", true) + element("DeleteMarkerVersionId", done.version)
      : "";
    return wrap("Deleted", named + marker);
  } catch (error) {
    const told = asS3Error(error);
    if (told.code === "InternalError") throw error; // told and logged once, for the whole request
    return wrap("Error", named + element("Code", told.code) + element("Message", told.message));
  }
}
