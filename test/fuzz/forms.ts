/** Forms: any cut of the bytes reads the same fields and file, a changed form or policy never breaks the reader. */
import { limits } from "../../base/limits.ts";
import { headersOfForm } from "../../gateway/form/form-headers.ts";
import { formClaimOf } from "../../gateway/form/form-signature.ts";
import { judgePolicy, parsePolicy } from "../../gateway/form/policy.ts";
import { readForm } from "../../gateway/form/read-form.ts";
import { redirectTo } from "../../gateway/form/redirect.ts";
import { S3Error } from "../../gateway/s3/errors.ts";
import { canBeSent } from "./as-received.ts";
import type { Chance } from "./chance.ts";
import { check, outcomeOf, type Target } from "./rounds.ts";

const names = [
  "key",
  "policy",
  "acl",
  "x-amz-meta-a",
  "Content-Type",
  "tagging",
  "x-amz-credential",
  "x-amz-date",
  "x-amz-algorithm",
  "x-amz-signature",
  "signature",
  "awsaccesskeyid",
  "success_action_redirect",
  "bucket",
  "__proto__",
];

interface Written {
  readonly fields: ReadonlyMap<string, string>;
  readonly file: Buffer;
  readonly boundary: string;
  readonly body: Buffer;
}

function written(chance: Chance): Written {
  const boundary = `b${chance.word(20)}`;
  const fields = new Map<string, string>();
  for (let left = chance.upTo(6); left > 0; left--)
    fields.set((chance.one(names) ?? "key").toLowerCase(), chance.text(20));
  let file = Buffer.concat([
    chance.bytes(chance.upTo(300)),
    Buffer.from(
      chance.one(["", "\r\n", `\r\n--${boundary.slice(0, -1)}!`, `--${boundary}`, "\r\n--", "\r"]),
    ),
    chance.bytes(chance.upTo(30)),
  ]);
  // A client that writes a form chooses a boundary that its file does not contain.
  const end = file.indexOf(`\r\n--${boundary}`);
  if (end >= 0) file = file.subarray(0, end);
  const parts: (string | Buffer)[] = [];
  for (const [name, value] of fields)
    parts.push(
      `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n`,
      value,
      "\r\n",
    );
  parts.push(
    `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n`,
    file,
  );
  parts.push(`\r\n--${boundary}--\r\n`);
  return { fields, file, boundary, body: Buffer.concat(parts.map((part) => Buffer.from(part))) };
}

async function read(chance: Chance, boundary: string, body: Uint8Array) {
  const pieces = chance.pieces(body)[Symbol.iterator]();
  const next = async () => pieces.next();
  const form = await readForm(`multipart/form-data; boundary=${boundary}`, { next });
  const file: Buffer[] = [];
  for await (const part of form.file) file.push(Buffer.from(part));
  return { fields: form.fields, file: Buffer.concat(file) };
}

function judge(chance: Chance, fields: ReadonlyMap<string, string>): string {
  const claim = outcomeOf(() => (formClaimOf(fields) === undefined ? "none" : "claim"));
  outcomeOf(() => {
    for (const value of Object.values(headersOfForm(fields, { host: "h" })))
      check(canBeSent(String(value)), "a header that cannot be");
    return "headers";
  });
  const address = chance.once(2)
    ? chance.text(20)
    : `http://h/${chance.text(20)}?${chance.text(9)}`;
  const there = redirectTo(address, { bucket: "b", key: chance.text(9), etag: "e" });
  check(there === undefined || /^https?:[\x21-\x7e]*$/.test(there), "an address that cannot be");
  return claim;
}

const POLICY =
  '{"expiration":"2030-01-01T00:00:00.000Z","conditions":[{"bucket":"b"},["starts-with","$key","a"],["content-length-range",0,10],{"acl":"private"}]}';

function policy(chance: Chance, fields: ReadonlyMap<string, string>): string {
  let text: Buffer = Buffer.from(POLICY);
  for (let left = chance.upTo(3); left > 0; left--) text = chance.change(text);
  const given = chance.once(4) ? chance.text(20) : text.toString("base64");
  const parsed = parsePolicy(given);
  check(parsed.minBytes >= 0 && parsed.minBytes <= parsed.maxBytes, "a range that is none");
  judgePolicy(parsed, fields, "b", Date.UTC(2026, 0, 1));
  return "allowed";
}

export const forms: Target = {
  name: "forms",
  async run({ chance, trying }) {
    const { fields, file, boundary, body } = written(chance);
    trying({ boundary, body });
    const whole = await read(chance, boundary, body);
    check(whole.file.equals(file), "another file");
    check(JSON.stringify([...whole.fields]) === JSON.stringify([...fields]), "other fields");
    judge(chance, fields);
    if (chance.once(3)) return `policy: ${outcomeOf(() => policy(chance, fields))}`;
    const changed = chance.change(chance.once(2) ? chance.change(body) : body);
    trying({ boundary, changed });
    try {
      const other = await read(chance, boundary, changed);
      check(other.file.length <= changed.length, "more bytes than were sent");
      check(other.fields.size <= limits.formFields, "too many fields");
      return "read";
    } catch (error) {
      if (error instanceof S3Error && error.code !== "InternalError") return error.code;
      throw error;
    }
  },
};
