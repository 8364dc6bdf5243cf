import { describe, expect, test } from "vitest";
import { AnswerReader, type HttpAnswer } from "./answer-reader.ts";

/** What the reader says when the bytes come in pieces of this length. */
function readIn(pieceBytes: number, text: string, keepsBody: boolean): HttpAnswer | undefined {
  const reader = new AnswerReader();
  reader.expect(keepsBody);
  const bytes = Buffer.from(text, "latin1");
  let answer: HttpAnswer | undefined;
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    expect(answer).toBeUndefined();
    answer = reader.push(bytes.subarray(at, at + pieceBytes));
  }
  return answer;
}

const plain = 'HTTP/1.1 200 OK\r\nETag: "e"\r\nContent-Length: 5\r\n\r\nhello';
const chunked =
  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n7;x=y\r\n, world\r\n0\r\nTrailer: t\r\n\r\n";
const none = "HTTP/1.1 204 No Content\r\n\r\n";
const refused = "HTTP/1.1 503 Slow Down\r\nConnection: close\r\nContent-Length: 9\r\n\r\nnot today";

describe.each([1, 2, 3, 7, 64, 1000])("answers in pieces of %i bytes", (piece) => {
  test("with a length", () => {
    const answer = readIn(piece, plain, true);
    expect(answer).toMatchObject({ status: 200, bodyBytes: 5, text: "hello", etag: '"e"' });
    expect(readIn(piece, plain, false)).toMatchObject({ bodyBytes: 5, text: "" });
  });

  test("in chunks", () => {
    expect(readIn(piece, chunked, true)).toMatchObject({ bodyBytes: 12, text: "hello, world" });
  });

  test("without a body", () => {
    expect(readIn(piece, none, true)).toMatchObject({ status: 204, bodyBytes: 0, isLast: false });
  });

  test("that refuse: the reason is kept", () => {
    const answer = readIn(piece, refused, false);
    expect(answer).toMatchObject({ status: 503, text: "not today", isLast: true });
  });
});

test("one reader reads one answer after the other", () => {
  const reader = new AnswerReader();
  for (const text of [plain, chunked, none, plain])
    expect(reader.push(Buffer.from(text))?.status).toBe(text === none ? 204 : 200);
});

test("more bytes than announced are no answer", () => {
  const reader = new AnswerReader();
  expect(() => reader.push(Buffer.from(`${plain}!`))).toThrow(/more bytes/);
});
