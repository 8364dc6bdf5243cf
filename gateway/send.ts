/** Brings an answer to the client, with backpressure; the bytes of objects go through the raw response. */
import { assert, unreachable } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import type { Answer, LateXml } from "./answer.ts";
import { departures } from "./departures.ts";
import type { Exchange } from "./exchange.ts";
import { asS3Error, type S3Error } from "./s3/errors.ts";
import { element, XML_HEAD } from "./xml-write.ts";

/** Bodies up to this length are read and thrown away before a refusal, to keep the connection. */
const SMALL_REST_BYTES = 64 * 1024;

/** So little may wait for a client that takes nothing: its connection is given up in the end. */
const UNWATCHED_BYTES = 16 * 1024;

type Head = Record<string, string | number>;

export function sendAnswer(exchange: Exchange, answer: Answer): Promise<void> {
  const { body } = answer;
  const head: Head = { ...answer.headers };
  switch (body.kind) {
    case "empty":
      if (answer.status !== 204 && answer.status !== 304) head["Content-Length"] = 0;
      return sendWhole(exchange, answer.status, head, undefined);
    case "head":
      head["Content-Length"] = body.lengthBytes;
      return sendWhole(exchange, answer.status, head, undefined);
    case "xml":
      return sendXml(exchange, answer.status, head, body.text);
    case "json":
      return sendText(exchange, answer.status, head, "application/json", body.text);
    case "bytes":
      return sendBytes(exchange, answer.status, head, body.lengthBytes, body.bytes);
    case "whole":
      return sendAtHand(exchange, answer.status, head, body);
    case "late":
      return sendLate(exchange, answer.status, head, body.xml);
    default:
      return unreachable(body);
  }
}

export async function sendError(exchange: Exchange, error: S3Error): Promise<void> {
  const head: Head = { ...error.headers };
  if (error.status === 503) head["Retry-After"] = 1;
  if (error.code === "InvalidRange")
    head["Content-Range"] = `bytes */${error.detail["ActualObjectSize"] ?? "*"}`;
  // Clients that signed for another region, or do not know which, learn it here: HEAD has no body.
  const asksForRegion = exchange.verb === "HeadBucket" && error.status !== 404;
  if (asksForRegion || error.detail["Region"] !== undefined)
    head["x-amz-bucket-region"] = exchange.gateway.region;
  if (exchange.request.method === "HEAD")
    return await sendWhole(exchange, error.status, head, undefined);
  await sendXml(exchange, error.status, head, errorXml(namesOf(exchange), error));
}

function namesOf({ path, requestId, gateway }: Exchange) {
  return { path, requestId, hostId: gateway.hostId };
}

export function errorXml(
  ids: { readonly path: string; readonly requestId: string; readonly hostId: string },
  error: S3Error,
): string {
  let detail = "";
  for (const name in error.detail) detail += element(name, error.detail[name]);
  return `${XML_HEAD}<Error>${element("Code", error.code)}${element("Message", error.message)}${detail}${element("Resource", ids.path)}${element("RequestId", ids.requestId)}${element("HostId", ids.hostId)}</Error>`;
}

async function sendXml(
  exchange: Exchange,
  status: number,
  head: Head,
  text: string,
): Promise<void> {
  await sendText(exchange, status, head, "application/xml", text);
}

async function sendText(
  exchange: Exchange,
  status: number,
  head: Head,
  type: string,
  text: string,
): Promise<void> {
  const bytes = Buffer.from(text, "utf8");
  head["Content-Type"] = type;
  head["Content-Length"] = bytes.length;
  await sendWhole(exchange, status, head, bytes);
}

function writeHead(exchange: Exchange, status: number, head: Head): void {
  const { hostId } = exchange.gateway;
  if (hostId === "") head["x-request-id"] = exchange.requestId;
  else {
    head["x-amz-request-id"] = exchange.requestId;
    head["x-amz-id-2"] = hostId;
  }
  head["Server"] = "Quarry";
  Object.assign(head, exchange.everyAnswer);
  if (exchange.gateway.closing) exchange.response.shouldKeepAlive = false;
  exchange.response.writeHead(status, head);
}

/**
 * A whole small answer. When the client is still sending, what it sends is read for a while and
 * thrown away: a connection closed on unread bytes would be reset and the answer lost.
 */
async function sendWhole(
  exchange: Exchange,
  status: number,
  head: Head,
  bytes: Buffer | undefined,
): Promise<void> {
  const { body, response } = exchange;
  exchange.sentBytes += bytes?.length ?? 0;
  if (body.pending && body.lengthBytes <= SMALL_REST_BYTES && !body.awaitsContinue)
    await body.discard(SMALL_REST_BYTES);
  if (!body.pending) {
    writeHead(exchange, status, head);
    departures.add(exchange.clock, () => response.end(bytes));
    return;
  }
  head["Connection"] = "close";
  writeHead(exchange, status, head);
  if (bytes === undefined) response.flushHeaders();
  else response.write(bytes);
  if (!body.awaitsContinue) await body.discard(limits.lingerBytes);
  response.end();
}

async function sendBytes(
  exchange: Exchange,
  status: number,
  head: Head,
  lengthBytes: number,
  bytes: AsyncIterable<Uint8Array>,
): Promise<void> {
  head["Content-Length"] = lengthBytes;
  if (lengthBytes === 0) return await sendWhole(exchange, status, head, undefined);
  const { response } = exchange;
  const iterator = bytes[Symbol.asyncIterator]();
  try {
    let leftBytes = lengthBytes;
    while (leftBytes > 0) {
      // The first piece is read before the head is sent, so that a failure is told as one.
      const step = await iterator.next();
      assert(step.done !== true, "an object gives as many bytes as it has");
      const view = step.value;
      if (!response.headersSent) writeHead(exchange, status, head);
      leftBytes -= view.length;
      assert(leftBytes >= 0, "an object gives no more bytes than it has");
      exchange.sentBytes += view.length;
      // The view may be reused once the next is asked for: wait until the system has taken it.
      if (leftBytes === 0) await exchange.written((done) => response.end(view, done));
      else await exchange.written((done) => response.write(view, done));
    }
    // Who asks for more is done with the last one: its memory serves the next request.
    assert((await iterator.next()).done === true, "an object gives no more bytes than it has");
  } finally {
    await iterator.return?.();
  }
}

async function sendAtHand(
  exchange: Exchange,
  status: number,
  head: Head,
  { bytes, taken }: Extract<Answer["body"], { kind: "whole" }>,
): Promise<void> {
  const { response } = exchange;
  head["Content-Length"] = bytes.length;
  writeHead(exchange, status, head);
  exchange.sentBytes += bytes.length;
  if (bytes.length <= UNWATCHED_BYTES) {
    departures.add(exchange.clock, () => {
      response.end(bytes);
      // Mostly the system has them at once. Of a connection that breaks nobody says that they are taken.
      if (response.writableLength === 0) taken();
      else response.once("finish", taken);
    });
    return;
  }
  await exchange.written((done) => response.end(bytes, done));
  taken();
}

/** White space before the XML keeps the client from giving up; it is sent only when needed. */
async function sendLate(
  exchange: Exchange,
  status: number,
  head: Head,
  xml: Promise<LateXml>,
): Promise<void> {
  const { clock, response } = exchange;
  const settled = xml.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  for (;;) {
    const silence = Promise.withResolvers<undefined>();
    const timer = clock.after(limits.keepAliveMs, () => silence.resolve(undefined));
    const outcome = await Promise.race([settled, silence.promise]);
    timer.cancel();
    if (outcome === undefined) {
      if (!response.headersSent) {
        head["Content-Type"] = "application/xml";
        writeHead(exchange, status, head);
        response.write(XML_HEAD);
      } else response.write(" ");
      continue;
    }
    if (!response.headersSent) {
      if ("error" in outcome) throw outcome.error;
      const { text, headers } = outcome.value;
      return await sendXml(exchange, status, { ...head, ...headers }, text);
    }
    const text =
      "error" in outcome
        ? errorXml(namesOf(exchange), asS3Error(outcome.error))
        : outcome.value.text;
    response.end(text.slice(XML_HEAD.length));
    if ("error" in outcome) throw outcome.error;
    return;
  }
}
