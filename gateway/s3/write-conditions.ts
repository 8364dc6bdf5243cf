/** If-Match and If-None-Match on writes; judged where the write is applied. */
import type { IncomingHttpHeaders } from "node:http";
import type { WriteConditions } from "../../rpc/commands.ts";
import { S3Error } from "./errors.ts";

/** The tag without its quotes. */
export function bareEtag(text: string): string {
  const tag = text.trim();
  return tag.length >= 2 && tag.startsWith('"') && tag.endsWith('"') ? tag.slice(1, -1) : tag;
}

export function writeConditions(headers: IncomingHttpHeaders): WriteConditions | undefined {
  const ifMatch = headers["if-match"];
  const ifNoneMatch = headers["if-none-match"];
  if (headers["if-modified-since"] !== undefined || headers["if-unmodified-since"] !== undefined)
    throw new S3Error("NotImplemented", "Writes take If-Match and If-None-Match only.");
  if (ifMatch === undefined && ifNoneMatch === undefined) return undefined;
  return {
    ...(ifMatch === undefined ? {} : { ifMatch: bareEtag(ifMatch) }),
    ...(ifNoneMatch === undefined ? {} : { ifNoneMatch: bareEtag(ifNoneMatch) }),
  };
}
