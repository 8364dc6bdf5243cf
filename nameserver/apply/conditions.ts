/** What a request demands of the state, judged inside the command. */
import { QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import type { WriteConditions } from "../../rpc/commands.ts";
import type { NameRow } from "../rows.ts";

/** An ETag as rows hold it: without quotes. */
export const bareEtag = (etag: string) => etag.replace(/^"(.*)"$/, "$1");

/**
 * Judges the version that a write replaces or removes. A delete marker has no ETag: `*` matches it,
 * nothing else does.
 * @throws QuarryError `ConditionFailed`, or `NoSuchKey` when what should match is not there.
 */
export function checkConditions(
  row: NameRow | undefined,
  conditions: WriteConditions | undefined,
): void {
  if (conditions === undefined) return;
  const { ifMatch, ifNoneMatch, ifModifiedMs, ifLengthBytes } = conditions;
  const matches = (wanted: string) =>
    row !== undefined &&
    wanted.split(",").some((one) => matchesOne(one.trim(), row.attributes.etag));
  if (ifNoneMatch !== undefined && matches(ifNoneMatch))
    throw new QuarryError("ConditionFailed", "there is such an object already");
  if (ifMatch === undefined && ifModifiedMs === undefined && ifLengthBytes === undefined) return;
  if (row === undefined) throw new QuarryError("NoSuchKey", "there is no object to match");
  const expected =
    (ifMatch === undefined || matches(ifMatch)) &&
    (ifModifiedMs === undefined || secondOf(ifModifiedMs) === secondOf(row.ms)) &&
    (ifLengthBytes === undefined || ifLengthBytes === row.length);
  if (!expected)
    throw new QuarryError("ConditionFailed", "the object is not the one that was expected");
}

/** Clients know times as HTTP gives them: in whole seconds. */
const secondOf = (ms: number) => Math.floor(ms / 1000);

const matchesOne = (wanted: string, etag: string) =>
  wanted === "*" || (etag !== "" && bareEtag(wanted) === etag);

/** @throws QuarryError `InvalidArgument` for what cannot be a key. */
export function checkKey(key: string): void {
  if (key === "" || Buffer.byteLength(key) > limits.keyBytes)
    throw new QuarryError("InvalidArgument", `a key has 1 to ${limits.keyBytes} bytes`);
  if (!key.isWellFormed()) throw new QuarryError("InvalidArgument", "a key is valid UTF-8");
}

/** @throws QuarryError `Forbidden` while a version is under retention or legal hold. */
export function checkRetention(row: NameRow, timeMs: number): void {
  const { retention, legalHold } = row.attributes;
  if (legalHold === true) throw new QuarryError("Forbidden", "the version is under legal hold");
  if (retention !== undefined && retention.untilMs > timeMs)
    throw new QuarryError("Forbidden", "the version is under retention");
}
