/** What a handler gives back; `send.ts` brings it to the client. */

export type AnswerHeaders = Readonly<Record<string, string>>;

export type AnswerBody =
  | { readonly kind: "empty" }
  /** The headers of a body of this length, which is not sent (HEAD). */
  | { readonly kind: "head"; readonly lengthBytes: number }
  | { readonly kind: "xml"; readonly text: string }
  | { readonly kind: "json"; readonly text: string }
  | {
      readonly kind: "bytes";
      readonly lengthBytes: number;
      readonly bytes: AsyncIterable<Uint8Array>;
    }
  /** Bytes that are at hand; `taken` is called when they are not used any more. */
  | { readonly kind: "whole"; readonly bytes: Uint8Array; taken(): void }
  /** XML that may take long: white space keeps the client waiting until it is there. */
  | { readonly kind: "late"; readonly xml: Promise<LateXml> };

export interface LateXml {
  readonly text: string;
  /** More headers, which go with it unless white space went before. */
  readonly headers?: AnswerHeaders;
}

export interface Answer {
  readonly status: number;
  readonly headers: AnswerHeaders;
  readonly body: AnswerBody;
}

const EMPTY: AnswerBody = { kind: "empty" };
const noHeaders: AnswerHeaders = {};

export function emptyAnswer(status: number, headers: AnswerHeaders = noHeaders): Answer {
  return { status, headers, body: EMPTY };
}

export function jsonAnswer(value: unknown): Answer {
  return { status: 200, headers: noHeaders, body: { kind: "json", text: JSON.stringify(value) } };
}

export function xmlAnswer(text: string, headers: AnswerHeaders = noHeaders): Answer {
  return { status: 200, headers, body: { kind: "xml", text } };
}
