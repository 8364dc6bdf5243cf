/** S3 over raw sockets, with heads that are signed before the clock runs: the load that costs least. */
import { systemClock } from "../../base/clock.ts";
import { QuarryError } from "../../base/errors.ts";
import { HttpConnection } from "./http-connection.ts";
import { type HttpRequest, httpOf } from "./http-request.ts";
import type { Answer, Client, Lane, Request, Target } from "./request.ts";
import { signer } from "./sign.ts";

/** Signatures are good for 15 minutes; a measurement takes two at most. */
const SIGNED_ANEW_MS = 300_000;

export function leanClient(target: Target): Client {
  const { bucket } = target;
  let signedMs = systemClock.nowMs();
  let sign = signer(target, signedMs);
  const heads = new Map<string, Buffer>();
  const makeHead = (http: HttpRequest): Buffer => {
    const query = http.query === "" ? "" : `?${http.query}`;
    const lines = Object.entries(sign(http)).map(([name, value]) => `${name}: ${value}\r\n`);
    return Buffer.from(`${http.method} ${http.path}${query} HTTP/1.1\r\n${lines.join("")}`);
  };
  const nameOf = (http: HttpRequest) => `${http.method} ${http.path}?${http.query}`;
  const end = Buffer.from("\r\n");
  const headOf = (http: HttpRequest): Buffer => {
    const head = heads.get(nameOf(http)) ?? makeHead(http);
    const range = http.range === undefined ? end : Buffer.from(`range: ${http.range}\r\n\r\n`);
    return Buffer.concat([head, range]);
  };
  return {
    async lane() {
      const now = systemClock.nowMs();
      if (now - signedMs > SIGNED_ANEW_MS) {
        signedMs = now;
        sign = signer(target, now);
        heads.clear();
      }
      return leanLane(await HttpConnection.open(target.url), (request) => {
        const http = httpOf(bucket, request);
        return { head: headOf(http), body: http.body };
      });
    },
    ahead(request) {
      const http = httpOf(bucket, request);
      heads.set(nameOf(http), makeHead(http));
    },
  };
}

function leanLane(
  connection: HttpConnection,
  bytesOf: (request: Request) => { readonly head: Buffer; readonly body: Buffer },
): Lane {
  return {
    async send(request) {
      const { head, body } = bytesOf(request);
      const answer = await connection.send(head, body, keepsBody(request));
      if (answer.status < 200 || answer.status > 299)
        throw new QuarryError(
          answer.status >= 500 ? "Unavailable" : "InvalidArgument",
          `${request.type}: status ${answer.status}: ${answer.text}`,
        );
      return answerOf(request, answer.bodyBytes, answer.text, answer.etag);
    },
    [Symbol.dispose]: () => connection[Symbol.dispose](),
  };
}

const keepsBody = ({ type }: Request) =>
  type === "list" || type === "createUpload" || type === "completeUpload";

function answerOf(
  request: Request,
  bodyBytes: number,
  text: string,
  etag: string | undefined,
): Answer {
  if (request.type === "list") return { bodyBytes, keys: text.split("<Key>").length - 1 };
  if (request.type === "uploadPart") return { bodyBytes, ...(etag !== undefined && { tag: etag }) };
  if (request.type === "createUpload") {
    const id = /<UploadId>([^<]*)</.exec(text)?.[1];
    if (id === undefined) throw new QuarryError("Protocol", `an upload without an id: ${text}`);
    return { bodyBytes, tag: id };
  }
  // Stores answer 200 before they know whether it went well.
  if (request.type === "completeUpload" && !text.includes("<ETag>"))
    throw new QuarryError("Protocol", `an upload was not completed: ${text}`);
  return { bodyBytes };
}
