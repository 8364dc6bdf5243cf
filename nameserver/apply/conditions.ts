/** What a request demands of the state, judged inside the command. */
import { QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import type { WriteConditions } from "../../rpc/commands.ts";
import type { NameRow } from "../rows.ts";

/** An ETag as rows hold it: without quotes. */
export const bareEtag = (etag: string) => etag.replace(/^"(.*)"$/, "$1");

/** @throws QuarryError `ConditionFailed`, or `NoSuchKey` for If-Match on a name that is not there. */
export function checkConditions(
  current: NameRow | undefined,
  conditions: WriteConditions | undefined,
): void {
  const { ifMatch, ifNoneMatch } = conditions ?? {};
  const etag = current?.attributes.etag;
  const matches = (wanted: string) =>
    etag !== undefined && wanted.split(",").some((one) => matchesOne(one.trim(), etag));
  if (ifMatch !== undefined) {
    if (etag === undefined) throw new QuarryError("NoSuchKey", "there is no object to match");
    if (!matches(ifMatch))
      throw new QuarryError("ConditionFailed", "the object is not the one that was expected");
  }
  if (ifNoneMatch !== undefined && matches(ifNoneMatch))
    throw new QuarryError("ConditionFailed", "there is such an object already");
}

const matchesOne = (wanted: string, etag: string) => wanted === "*" || bareEtag(wanted) === etag;

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
