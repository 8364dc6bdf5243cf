/** GET /bucket?versions: all versions and delete markers, by key, then newest first. */
import { limits } from "../../base/limits.ts";
import type { VersionListReply } from "../../rpc/name-service.ts";
import { type Answer, xmlAnswer } from "../answer.ts";
import type { Call } from "../call.ts";
import { element, escapeXml, isoTime, wrap, xmlDocument } from "../xml-write.ts";
import { S3Error } from "./errors.ts";
import { countParameter, keyEncoder } from "./list-parameters.ts";
import { objectDetail, objectOwners, prefixRows } from "./list-rows.ts";

type Version = VersionListReply["versions"][number];

export async function listObjectVersions(call: Call): Promise<Answer> {
  const { bucket, query } = call.target;
  const { encode, name: encodingType } = keyEncoder(query);
  const limit = countParameter(query, "max-keys", limits.listKeys);
  const prefix = query.get("prefix") ?? "";
  const delimiter = query.get("delimiter") ?? "";
  const keyAfter = query.get("key-marker") ?? "";
  const versionAfter = query.get("version-id-marker") ?? "";
  if (keyAfter === "" && versionAfter !== "")
    throw new S3Error(
      "InvalidArgument",
      "A version-id marker cannot be specified without a key marker.",
      { ArgumentName: "version-id-marker", ArgumentValue: versionAfter },
    );
  const page: VersionListReply =
    limit === 0
      ? { versions: [], prefixes: [], truncated: false }
      : await call.store.names.versions({
          bucket,
          prefix,
          delimiter,
          keyAfter,
          versionAfter,
          limit,
        });
  const owner = await objectOwners(call, page.versions);
  const row = (version: Version) => versionRow(version, encode(version.key), owner(version));
  return xmlAnswer(
    xmlDocument(
      "ListVersionsResult",
      element("Name", bucket) +
        element("Prefix", encode(prefix)) +
        element("KeyMarker", encode(keyAfter)) +
        element("VersionIdMarker", versionAfter) +
        nextMarkers(page, encode) +
        (delimiter === "" ? "" : element("Delimiter", encode(delimiter))) +
        element("MaxKeys", limit) +
        element("EncodingType", encodingType) +
        element("IsTruncated", page.truncated) +
        page.versions.map(row).join("") +
        prefixRows(page.prefixes, encode),
    ),
  );
}

function nextMarkers({ truncated, last }: VersionListReply, encode: (text: string) => string) {
  if (!truncated || last === undefined) return "";
  return (
    element("NextKeyMarker", encode(last.key)) +
    element("NextVersionIdMarker", last.version === "" ? undefined : last.version)
  );
}

function versionRow(version: Version, key: string, owner: string): string {
  const { deleteMarker, latest, modifiedMs } = version;
  const head = `<Key>${escapeXml(key)}</Key><VersionId>${version.version}</VersionId><IsLatest>${latest}</IsLatest><LastModified>${isoTime(modifiedMs)}</LastModified>`;
  if (deleteMarker) return wrap("DeleteMarker", head + owner);
  return wrap("Version", head + objectDetail(version) + owner);
}
