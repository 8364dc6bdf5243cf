/** The aws-chunked decoder: any split of the bytes decodes the same, a changed frame never breaks it. */
import { AwsChunkedDecoder } from "../../gateway/aws-chunked.ts";
import type { Chance } from "./chance.ts";
import { check, outcomeOf, type Target } from "./rounds.ts";

interface Framed {
  readonly content: Buffer;
  readonly trailers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

function framed(chance: Chance): Framed {
  const content = chance.bytes(chance.upTo(chance.one([0, 20, 2000])));
  const parts: Uint8Array[] = [];
  const line = (text: string) => parts.push(Buffer.from(`${text}\r\n`, "latin1"));
  const extension = chance.once(2) ? "" : `;${chance.word(20)}`;
  for (const chunk of chance.pieces(content)) {
    const length = chunk.length.toString(16).padStart(1 + chance.upTo(4), "0");
    line((chance.once(2) ? length : length.toUpperCase()) + extension);
    parts.push(chunk, Buffer.from("\r\n"));
  }
  line(`0${extension}`);
  const trailers = new Map<string, string>();
  for (let left = chance.upTo(4); left > 0; left--)
    trailers.set(`x-${chance.word(8).toLowerCase()}-${left}`, chance.word(20));
  for (const [name, value] of trailers)
    line(`${chance.once(2) ? name : name.toUpperCase()}:${chance.once(2) ? "" : " "}${value}`);
  line("");
  return { content, trailers, body: Buffer.concat(parts) };
}

function decode(chance: Chance, body: Uint8Array, trailer: boolean) {
  const decoder = new AwsChunkedDecoder(trailer, undefined);
  const out: Uint8Array[] = [];
  for (const piece of chance.pieces(body)) decoder.feed(piece, out);
  decoder.finish();
  return { content: Buffer.concat(out), trailers: decoder.trailers };
}

export const chunkedBodies: Target = {
  name: "aws-chunked",
  run({ chance, trying }) {
    const { content, trailers, body } = framed(chance);
    trying(body);
    const decoded = decode(chance, body, true);
    check(decoded.content.equals(content), "other bytes");
    check(
      JSON.stringify([...decoded.trailers]) === JSON.stringify([...trailers]),
      "other trailers",
    );
    if (trailers.size > 0)
      check(
        outcomeOf(() => String(decode(chance, body, false))) === "MalformedTrailerError",
        "trailers that were not announced",
      );
    const changed = chance.once(4)
      ? chance.bytes(chance.upTo(300))
      : chance.change(chance.once(2) ? chance.change(body) : body);
    trying(changed);
    return outcomeOf(() => {
      const other = decode(chance, changed, true);
      check(other.content.length <= changed.length, "more bytes than were sent");
      return "decoded";
    });
  },
};
