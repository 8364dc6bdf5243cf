/** What came back on a connection, taken apart and held to what every answer of the gateway must be. */
import { XMLValidator } from "fast-xml-parser";
import { check } from "./rounds.ts";

export interface Heard {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  /** latin1. */
  readonly body: string;
}

/** Whole answers on the connection, in turn; the last may have been cut short when `cut` is allowed. */
export function heardAnswers(text: string, cut: boolean): Heard[] {
  const answers: Heard[] = [];
  let rest = text;
  while (rest !== "") {
    const end = rest.indexOf("\r\n\r\n");
    if (end < 0) {
      check(cut, "a head that has no end");
      break;
    }
    const [line = "", ...lines] = rest.slice(0, end).split("\r\n");
    rest = rest.slice(end + 4);
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(`${line} `)?.[1]);
    check(status >= 100 && status < 600, `no status line: ${line}`);
    const headers = new Map<string, string>();
    for (const each of lines) {
      const colon = each.indexOf(":");
      check(colon > 0, `no header: ${each}`);
      headers.set(each.slice(0, colon).toLowerCase(), each.slice(colon + 1).trim());
    }
    if (status < 200) continue;
    // HEAD has a length and no body: whatever follows is another answer, or nothing.
    const without = rest === "" || rest.startsWith("HTTP/1.1 ") || status === 304 || status === 204;
    const taken = without ? { body: "", rest } : bodyOf(headers, rest, cut);
    rest = taken.rest;
    answers.push({ status, headers, body: taken.body });
  }
  return answers;
}

function bodyOf(headers: ReadonlyMap<string, string>, text: string, cut: boolean) {
  const length = headers.get("content-length");
  if (length !== undefined) {
    check(cut || text.length >= Number(length), "a body that was cut short");
    return { body: text.slice(0, Number(length)), rest: text.slice(Number(length)) };
  }
  if (headers.get("transfer-encoding") !== "chunked") return { body: text, rest: "" };
  let body = "";
  let at = 0;
  for (;;) {
    const end = text.indexOf("\r\n", at);
    const chunk = Number.parseInt(text.slice(at, end), 16);
    if (end < 0 || Number.isNaN(chunk)) {
      check(cut, "a chunked answer that was cut short");
      return { body, rest: "" };
    }
    body += text.slice(end + 2, end + 2 + chunk);
    at = end + chunk + 4;
    if (chunk === 0) return { body, rest: text.slice(at) };
  }
}

/** The gateway's own pages speak JSON and plain text, and need no request id. */
const ownPage = /^(application\/json|text\/plain)/;

export function checkAnswer({ status, headers, body }: Heard): void {
  check(status !== 500, `500: ${body}`);
  const type = headers.get("content-type") ?? "";
  const requestId = headers.get("x-amz-request-id");
  if (requestId === undefined && ownPage.test(type) && (status === 200 || status === 503)) return;
  check(/^[0-9A-F]{16}$/.test(requestId ?? ""), `no request id (${status} ${body})`);
  check((headers.get("x-amz-id-2") ?? "") !== "", "no host id");
  for (const [name, value] of headers)
    check(name !== "x-injected" && !/[\r\n\0]/.test(value), "a header was put in");
  if (body === "" || !type.startsWith("application/xml")) {
    check(status < 400 || body === "", `an error that is no XML: ${body}`);
    return;
  }
  const xml = Buffer.from(body, "latin1").toString("utf8");
  const valid = XMLValidator.validate(xml);
  check(valid === true, `no well-formed XML: ${JSON.stringify(valid)} ${xml}`);
  if (status < 400) return;
  check(/<Error><Code>\w+<\/Code><Message>/.test(xml), `no error in S3's form: ${xml}`);
  check(xml.includes(`<RequestId>${requestId}</RequestId>`), "another request id in the XML");
}
