/** The head of a part of a form: which field it is, and the name of a file. */
import { decodeBytes, utf8Of } from "../percent.ts";
import { S3Error } from "../s3/errors.ts";

export interface PartHead {
  /** In lower case: fields are the same in any case. */
  readonly name: string;
  /** What stands behind the last slash or backslash; empty when there is none. */
  readonly filename: string;
}

/** `name=value` or `name="va\"lue"`. */
const parameter = /;\s*([a-z]+\*?)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))/gi;
const disposition = /^content-disposition\s*:\s*form-data\s*(?=;|$)/i;

/** @param head as latin1, without the empty line at its end. */
export function parsePartHead(head: string): PartHead {
  const line = head.split("\r\n").find((each) => disposition.test(each));
  if (line === undefined) throw new S3Error("MalformedPOSTRequest");
  const found = new Map<string, string>();
  for (const [, name = "", quoted, bare = ""] of line.matchAll(parameter)) {
    const lower = name.toLowerCase();
    if (found.has(lower)) throw new S3Error("MalformedPOSTRequest");
    found.set(lower, quoted?.replaceAll('\\"', '"') ?? bare);
  }
  const name = found.get("name");
  if (name === undefined || name === "") throw new S3Error("MalformedPOSTRequest");
  const filename = extended(found.get("filename*")) ?? textOf(found.get("filename") ?? "");
  return {
    name: textOf(name).toLowerCase(),
    filename: filename.slice(Math.max(filename.lastIndexOf("/"), filename.lastIndexOf("\\")) + 1),
  };
}

/** `UTF-8''percent-encoded`, which old clients send for names beyond ASCII. */
function extended(text: string | undefined): string | undefined {
  const encoded = /^utf-8'[^']*'(.*)$/i.exec(text ?? "")?.[1];
  return encoded === undefined ? undefined : textOf(decodeBytes(encoded, false));
}

export function textOf(latin1: string): string {
  const text = utf8Of(latin1);
  if (text === undefined) throw new S3Error("InvalidArgument", "The form is not UTF-8.");
  return text;
}
