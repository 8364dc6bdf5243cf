/** Published holes in the signatures of other S3 servers, tried on this one. */
import { describe, expect, test } from "vitest";
import { user } from "../gateway-running.ts";
import { presignUrl, sha256, signRequest } from "../sign-request.ts";
import { type Attacked, attacked, codeOf, EMPTY } from "./attacked.ts";

const TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
const trailerHeaders = {
  "content-encoding": "aws-chunked",
  "x-amz-decoded-content-length": "5",
  "x-amz-trailer": "x-amz-checksum-crc32",
};
/** CRC32 of "hello" is 0x3610a686. */
const trailerBody = "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n";

async function uploadIn({ store }: Attacked): Promise<string> {
  const attributes = { owner: "user-1" };
  const made = await store.names.execute({
    ...{ type: "createUpload", bucket: "bucket", key: "k", attributes },
  });
  return made.type === "upload" ? made.upload : expect.unreachable();
}

describe("an unsigned body is no unsigned request", () => {
  /** The head of a PUT with an unsigned body, signed with a secret. */
  const signedBy = (secretKey: string, url: string, host: string, more = {}) =>
    signRequest(
      { ...user, secretKey },
      "PUT",
      url,
      { host, ...trailerHeaders, ...more, "content-length": String(trailerBody.length) },
      TRAILER,
      Date.now(),
    ).headers;

  test("CVE-2025-31489: any secret will do when the trailer is unsigned", async () => {
    const on = await attacked();
    const upload = await uploadIn(on);
    for (const url of ["/bucket/k", `/bucket/k?partNumber=1&uploadId=${upload}`]) {
      const bad = signedBy("any secret", url, on.gateway.host);
      expect(codeOf(await on.raw("PUT", url, bad, trailerBody))).toBe("SignatureDoesNotMatch");
      expect(await on.keys("bucket")).toEqual([]);
      const good = signedBy(user.secretKey, url, on.gateway.host);
      expect(codeOf(await on.raw("PUT", url, good, trailerBody))).toBe("200");
      await on.send("DELETE", "/bucket/k");
    }
  });

  test("CVE-2026-40344: a fabricated signature passes on the way that unpacks archives", async () => {
    const on = await attacked();
    for (const name of ["x-amz-meta-snowball-auto-extract", "x-amz-meta-minio-snowball"]) {
      const headers = signedBy("fabricated", "/bucket/k", on.gateway.host, { [name]: "true" });
      expect(codeOf(await on.raw("PUT", "/bucket/k", headers, trailerBody))).toBe(
        "SignatureDoesNotMatch",
      );
    }
    expect(await on.keys("bucket")).toEqual([]);
  });

  test("CVE-2026-41145: the access key stands in the query, no signature anywhere", async () => {
    const on = await attacked();
    const upload = await uploadIn(on);
    const day = new Date().toISOString().slice(0, 10).replaceAll("-", "");
    const credential = `X-Amz-Credential=${user.accessKey}%2F${day}%2Fus-east-1%2Fs3%2Faws4_request`;
    const whole = presignUrl(user, "PUT", "/bucket/k", {}, { host: on.gateway.host }, Date.now());
    const unproved = [
      `/bucket/k?${credential}`,
      `/bucket/k?${credential}&X-Amz-Algorithm=AWS4-HMAC-SHA256`,
      `/bucket/k?${credential}&partNumber=1&uploadId=${upload}`,
      whole.replace(/&X-Amz-Signature=.*/, ""),
      whole.replace(/(X-Amz-Signature=).*/, "$1"),
      whole.replace(/(X-Amz-Signature=).*/, `$1${"0".repeat(64)}`),
    ];
    for (const url of unproved)
      for (const hash of [TRAILER, "UNSIGNED-PAYLOAD"]) {
        const length = String(trailerBody.length);
        const headers = {
          ...trailerHeaders,
          "x-amz-content-sha256": hash,
          "content-length": length,
        };
        const answer = await on.raw("PUT", url, headers, trailerBody);
        expect(answer, url).toMatch(/^HTTP\/1.1 40[03]/);
      }
    expect(await on.keys("bucket")).toEqual([]);
    const { parts } = await on.store.names.parts({
      ...{ bucket: "bucket", key: "k", upload, after: 0, limit: 1 },
    });
    expect(parts).toEqual([]);
  });
});

describe("every part of a signature counts", () => {
  const SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";

  /** A body of signed chunks, as its lines. */
  function chunked(host: string, chunks: readonly string[]) {
    const length = String(chunks.join("").length);
    const headers = {
      ...{ host, "content-encoding": "aws-chunked", "transfer-encoding": "chunked" },
      "x-amz-decoded-content-length": length,
    };
    const signed = signRequest(user, "PUT", "/bucket/k", headers, SIGNED, Date.now());
    let previous = signed.signature;
    const lines: string[] = [];
    for (const chunk of [...chunks, ""]) {
      previous = signed.next("AWS4-HMAC-SHA256-PAYLOAD", `${EMPTY}\n${sha256(chunk)}`, previous);
      lines.push(`${chunk.length.toString(16)};chunk-signature=${previous}\r\n`);
      if (chunk !== "") lines.push(`${chunk}\r\n`);
    }
    return { headers: signed.headers, lines: [...lines, "\r\n"] };
  }
  const framed = (body: string) => `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;

  test("CVE-2021-21390: a chunk that says it is longer never ends, and is never checked", async () => {
    const on = await attacked();
    const { headers, lines } = chunked(on.gateway.host, ["hello"]);
    expect(codeOf(await on.raw("PUT", "/bucket/k", headers, framed(lines.join(""))))).toBe("200");
    await on.send("DELETE", "/bucket/k");
    for (const length of ["6", "ff", "fffffff"]) {
      const forged = lines.with(0, (lines[0] ?? "").replace("5;", `${length};`)).with(1, "jello");
      for (const end of [2, forged.length]) {
        const body = framed(forged.slice(0, end).join(""));
        expect(["IncompleteBody", "SignatureDoesNotMatch"]).toContain(
          codeOf(await on.raw("PUT", "/bucket/k", headers, body)),
        );
      }
    }
    expect(await on.keys("bucket")).toEqual([]);
  });

  // No account of this one could be found: every part that a signed body has is changed in turn.
  test("CVE-2026-54330: parts of the signature that are not looked at", async () => {
    const on = await attacked();
    const { headers, lines } = chunked(on.gateway.host, ["hello ", "world"]);
    const flipped = (text: string, at: number) =>
      text.slice(0, at) + (text[at] === "0" ? "1" : "0") + text.slice(at + 1);
    const bodies = lines
      .slice(0, -1)
      .flatMap((line, i) => [0, line.length - 3].map((at) => lines.with(i, flipped(line, at))));
    bodies.push(lines.toSpliced(0, 2), lines.toSpliced(2, 2), lines.toSpliced(4, 1));
    bodies.push([...lines.slice(2, 4), ...lines.slice(0, 2), ...lines.slice(4)]);
    for (const body of bodies) {
      const answer = await on.raw("PUT", "/bucket/k", headers, framed(body.join("")));
      expect(answer, body.join("")).toMatch(/^HTTP\/1.1 40[03]/);
    }
    const authorization = headers["authorization"] ?? "";
    for (let at = 0; at < authorization.length; at++) {
      const changed = { ...headers, authorization: flipped(authorization, at) };
      expect(await on.raw("PUT", "/bucket/k", changed, framed(lines.join("")))).toMatch(
        /^HTTP\/1.1 40[03]/,
      );
    }
    for (const name of Object.keys(headers).filter((each) => each.startsWith("x-amz-"))) {
      const { [name]: value = "", ...rest } = headers;
      for (const changed of [rest, { ...headers, [name]: flipped(value, 0) }])
        expect(await on.raw("PUT", "/bucket/k", changed, framed(lines.join("")))).toMatch(
          /^HTTP\/1.1 4/,
        );
    }
    expect(await on.keys("bucket")).toEqual([]);
  });
});
