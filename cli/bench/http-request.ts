/** Requests as S3's HTTP: method, path with its query in the order in which it is signed, body. */
import { unreachable } from "../../base/errors.ts";
import type { Request } from "./request.ts";

export interface HttpRequest {
  readonly method: "GET" | "PUT" | "POST" | "DELETE";
  /** `/bucket/key`, percent-encoded. */
  readonly path: string;
  /** Without the question mark; names in order. */
  readonly query: string;
  readonly body: Buffer;
  readonly range?: string;
}

const none = Buffer.alloc(0);

export function httpOf(bucket: string, request: Request): HttpRequest {
  const plain = { query: "", body: none };
  const at = (key: string) => `/${bucket}/${encodedPath(key)}`;
  switch (request.type) {
    case "put":
      return { ...plain, method: "PUT", path: at(request.key), body: request.body };
    case "get":
      return { ...plain, method: "GET", path: at(request.key) };
    case "range": {
      const range = `bytes=${request.first}-${request.last}`;
      return { ...plain, method: "GET", path: at(request.key), range };
    }
    case "delete":
      return { ...plain, method: "DELETE", path: at(request.key) };
    case "list":
      return { ...plain, method: "GET", path: `/${bucket}`, query: listQuery(request) };
    case "createUpload":
      return { ...plain, method: "POST", path: at(request.key), query: "uploads=" };
    case "uploadPart": {
      const query = `partNumber=${request.part}&uploadId=${encoded(request.upload)}`;
      return { method: "PUT", path: at(request.key), query, body: request.body };
    }
    case "completeUpload": {
      const query = `uploadId=${encoded(request.upload)}`;
      const body = Buffer.from(completion(request.etags));
      return { method: "POST", path: at(request.key), query, body };
    }
    default:
      return unreachable(request);
  }
}

function listQuery({ prefix, after, most }: Extract<Request, { type: "list" }>): string {
  const start = after === "" ? "" : `&start-after=${encoded(after)}`;
  return `list-type=2&max-keys=${most}&prefix=${encoded(prefix)}${start}`;
}

function completion(etags: readonly string[]): string {
  const parts = etags.map(
    (etag, i) =>
      `<Part><PartNumber>${i + 1}</PartNumber><ETag>${etag.replaceAll('"', "&quot;")}</ETag></Part>`,
  );
  return `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${parts.join("")}</CompleteMultipartUpload>`;
}

/** As signatures need it: also the five characters that encodeURIComponent leaves. */
const encoded = (text: string) =>
  encodeURIComponent(text).replace(
    /[!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );

const encodedPath = (key: string) => key.split("/").map(encoded).join("/");
