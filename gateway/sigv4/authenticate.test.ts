import { describe, expect, test } from "vitest";
import { S3Error } from "../s3/errors.ts";
import { parseTarget } from "../target.ts";
import { authenticate, claimOf, type PayloadPlan } from "./authenticate.ts";
import { EMPTY_SHA256, sameSignature } from "./signature.ts";
import { SigningKeys } from "./signing-key.ts";

// The examples of "Signature Calculations for the Authorization Header" and of its neighbours in
// the Amazon S3 API Reference.
const AWS_KEY = "AKIAIOSFODNN7EXAMPLE";
const signer = {
  secretKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
  id: "user",
  displayName: "User",
};
const verifier = { keys: new SigningKeys(), region: "us-east-1" };
const nowMs = Date.UTC(2013, 4, 24);

interface Given {
  readonly method?: string;
  readonly url: string;
  readonly headers?: Record<string, string>;
  readonly signed?: string;
  readonly signature?: string;
  readonly at?: number;
}

function check({ method = "GET", url, headers = {}, signed, signature, at = nowMs }: Given) {
  const all: Record<string, string> = { host: "examplebucket.s3.amazonaws.com", ...headers };
  if (signed !== undefined) {
    all["x-amz-date"] ??= "20130524T000000Z";
    all["x-amz-content-sha256"] ??= EMPTY_SHA256;
    all["authorization"] ??=
      `AWS4-HMAC-SHA256 Credential=${AWS_KEY}/20130524/us-east-1/s3/aws4_request,SignedHeaders=${signed},Signature=${signature}`;
  }
  const target = parseTarget(url, all["host"] ?? "", "s3.amazonaws.com");
  const head = { method, target, headers: all };
  const claim = claimOf(head);
  if (claim === undefined) throw new S3Error("AccessDenied");
  const known = claim.accessKey === AWS_KEY ? signer : undefined;
  return authenticate(head, claim, known, verifier, at);
}

function codeOf(given: Given): string {
  try {
    check(given);
    return "accepted";
  } catch (error) {
    if (error instanceof S3Error) return error.code;
    throw error;
  }
}

const getObject: Given = {
  url: "/test.txt",
  headers: { range: "bytes=0-9" },
  signed: "host;range;x-amz-content-sha256;x-amz-date",
  signature: "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
};

const presigned: Given = {
  url: `/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${AWS_KEY}%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404`,
};

const chunkedHead: Given = {
  method: "PUT",
  url: "/examplebucket/chunkObject.txt",
  headers: {
    host: "s3.amazonaws.com",
    "x-amz-storage-class": "REDUCED_REDUNDANCY",
    "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    "content-encoding": "aws-chunked",
    "x-amz-decoded-content-length": "66560",
    "content-length": "66824",
  },
  signed:
    "content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class",
  signature: "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
};

const trailerHead: Given = {
  ...chunkedHead,
  headers: {
    host: "s3.amazonaws.com",
    "x-amz-storage-class": "REDUCED_REDUNDANCY",
    "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
    "content-encoding": "aws-chunked",
    "x-amz-decoded-content-length": "66560",
    "x-amz-trailer": "x-amz-checksum-crc32c",
  },
  signed:
    "content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer",
  signature: "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
};

describe("AWS's published examples", () => {
  test("GET Object", () => {
    const { identity, payload } = check(getObject);
    expect(identity.id).toBe("user");
    expect(payload).toEqual({ kind: "exact", sha256: EMPTY_SHA256 });
  });

  test("PUT Object, with a key that needs encoding", () => {
    const sha256 = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";
    const given = {
      method: "PUT",
      url: "/test$file.text",
      headers: {
        date: "Fri, 24 May 2013 00:00:00 GMT",
        "x-amz-storage-class": "REDUCED_REDUNDANCY",
        "x-amz-content-sha256": sha256,
      },
      signed: "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
      signature: "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
    };
    expect(check(given).payload).toEqual({ kind: "exact", sha256 });
    expect(check({ ...given, url: "/test%24file.text" }).payload).toEqual({
      kind: "exact",
      sha256,
    });
  });

  test.each([
    ["/?lifecycle", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"],
    ["/?max-keys=2&prefix=J", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"],
    ["/?prefix=J&max-keys=2", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"],
  ])("GET %s", (url, signature) => {
    const signed = "host;x-amz-content-sha256;x-amz-date";
    expect(check({ url, signed, signature }).identity.displayName).toBe("User");
  });

  test("presigned URL", () => {
    expect(check(presigned).payload).toEqual({ kind: "unsigned" });
  });

  function signaturesOf(payload: PayloadPlan) {
    if (payload.kind !== "chunked" || payload.signatures === undefined)
      throw new Error("no chunk signatures");
    return payload.signatures;
  }

  function feed(signatures: ReturnType<typeof signaturesOf>, bytes: number, signature: string) {
    signatures.begin(signature);
    signatures.update(Buffer.alloc(bytes, "a"));
    signatures.end();
  }

  test("signed chunks", () => {
    const chain = signaturesOf(check(chunkedHead).payload);
    feed(chain, 65536, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648");
    feed(chain, 1024, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497");
    feed(chain, 0, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9");
  });

  test("a chunk with other bytes is refused", () => {
    const chain = signaturesOf(check(chunkedHead).payload);
    expect(() =>
      feed(chain, 65535, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"),
    ).toThrow(S3Error);
  });

  test("signed chunks with a signed trailer", () => {
    const chain = signaturesOf(check(trailerHead).payload);
    feed(chain, 65536, "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2");
    feed(chain, 1024, "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7");
    feed(chain, 0, "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992");
    chain.trailer(
      "x-amz-checksum-crc32c:sOO8/Q==\n",
      "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435",
    );
  });
});

describe("what is refused", () => {
  const host = { host: "s3.amazonaws.com" };
  const header = (authorization: string): Given => ({
    ...getObject,
    headers: { range: "bytes=0-9", authorization },
  });
  const good = `Credential=${AWS_KEY}/20130524/us-east-1/s3/aws4_request`;
  const tail = `SignedHeaders=${getObject.signed},Signature=${getObject.signature}`;

  test.each<[string, Given, string]>([
    ["nobody's request", { url: "/b/k" }, "AccessDenied"],
    ["another path", { ...getObject, url: "/test2.txt" }, "SignatureDoesNotMatch"],
    ["another method", { ...getObject, method: "DELETE" }, "SignatureDoesNotMatch"],
    ["another query", { ...getObject, url: "/test.txt?acl" }, "SignatureDoesNotMatch"],
    [
      "another host",
      { ...getObject, headers: { ...host, range: "bytes=0-9" } },
      "SignatureDoesNotMatch",
    ],
    ["another range", { ...getObject, headers: { range: "bytes=0-10" } }, "SignatureDoesNotMatch"],
    [
      "a byte A0 before a signed value",
      { ...getObject, headers: { range: "\xa0bytes=0-9" } },
      "SignatureDoesNotMatch",
    ],
    [
      "another hash of the body",
      { ...getObject, headers: { range: "bytes=0-9", "x-amz-content-sha256": "UNSIGNED-PAYLOAD" } },
      "SignatureDoesNotMatch",
    ],
    [
      "a header put in on the way",
      { ...getObject, headers: { range: "bytes=0-9", "x-amz-acl": "public-read" } },
      "AccessDenied",
    ],
    ["20 minutes later", { ...getObject, at: nowMs + 20 * 60_000 }, "RequestTimeTooSkewed"],
    ["20 minutes earlier", { ...getObject, at: nowMs - 20 * 60_000 }, "RequestTimeTooSkewed"],
    [
      "a security token",
      { ...getObject, headers: { range: "bytes=0-9", "x-amz-security-token": "t" } },
      "InvalidToken",
    ],
    ["another scheme", header("Basic dXNlcjpwYXNz"), "InvalidRequest"],
    [
      "no signature",
      header(`AWS4-HMAC-SHA256 ${good},SignedHeaders=host`),
      "AuthorizationHeaderMalformed",
    ],
    [
      "two signatures",
      header(`AWS4-HMAC-SHA256 ${good},${tail},Signature=00`),
      "AuthorizationHeaderMalformed",
    ],
    [
      "a short signature",
      header(`AWS4-HMAC-SHA256 ${good},${tail.slice(0, -2)}`),
      "SignatureDoesNotMatch",
    ],
    [
      "an empty signature",
      header(`AWS4-HMAC-SHA256 ${good},${tail.slice(0, -64)}`),
      "SignatureDoesNotMatch",
    ],
    [
      "a signature that is no hex",
      header(`AWS4-HMAC-SHA256 ${good},${tail.slice(0, -64)}${"z".repeat(64)}`),
      "SignatureDoesNotMatch",
    ],
    [
      "another user's key",
      header(`AWS4-HMAC-SHA256 Credential=NOBODY/20130524/us-east-1/s3/aws4_request,${tail}`),
      "InvalidAccessKeyId",
    ],
    [
      "a key named like a method of objects",
      header(`AWS4-HMAC-SHA256 Credential=__proto__/20130524/us-east-1/s3/aws4_request,${tail}`),
      "InvalidAccessKeyId",
    ],
    [
      "another day",
      header(`AWS4-HMAC-SHA256 Credential=${AWS_KEY}/20130525/us-east-1/s3/aws4_request,${tail}`),
      "AuthorizationHeaderMalformed",
    ],
    [
      "another service",
      header(`AWS4-HMAC-SHA256 Credential=${AWS_KEY}/20130524/us-east-1/sts/aws4_request,${tail}`),
      "AuthorizationHeaderMalformed",
    ],
    [
      "an unsigned host",
      header(`AWS4-HMAC-SHA256 ${good},SignedHeaders=range,Signature=${getObject.signature}`),
      "AuthorizationHeaderMalformed",
    ],
    [
      "a signed header called like a method of objects",
      header(`AWS4-HMAC-SHA256 ${good},${tail.replace("=host", "=constructor;host")}`),
      "SignatureDoesNotMatch",
    ],
    [
      "both ways at once",
      { ...presigned, headers: { authorization: "AWS4-HMAC-SHA256 x" } },
      "InvalidArgument",
    ],
    ["an old presigned URL", { ...presigned, at: nowMs + 86_401_000 }, "AccessDenied"],
    ["a presigned URL of tomorrow", { ...presigned, at: nowMs - 86_400_000 }, "AccessDenied"],
    [
      "a presigned URL that lives longer than it was signed for",
      { url: presigned.url.replace("=86400", "=86401") },
      "SignatureDoesNotMatch",
    ],
    [
      "a presigned URL of eight days",
      { url: presigned.url.replace("=86400", "=691200") },
      "AccessDenied",
    ],
    [
      "a presigned URL for another key",
      { url: presigned.url.replace("test", "tesT") },
      "SignatureDoesNotMatch",
    ],
    [
      "a presigned URL without its signature",
      { url: presigned.url.replace(/&X-Amz-Signature=.*/, "") },
      "AuthorizationQueryParametersError",
    ],
    ["version 2", { url: "/k?AWSAccessKeyId=A&Signature=x&Expires=1" }, "InvalidRequest"],
  ])("%s", (_, given, code) => {
    expect(codeOf(given)).toBe(code);
  });

  test("the wrong region is told the right one", () => {
    const given = header(
      `AWS4-HMAC-SHA256 Credential=${AWS_KEY}/20130524/eu-west-1/s3/aws4_request,${tail}`,
    );
    try {
      check(given);
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({
        code: "AuthorizationHeaderMalformed",
        detail: { Region: "us-east-1" },
      });
    }
  });

  // test/cve/signatures.test.ts tries this over a socket.
  test.each(["STREAMING-UNSIGNED-PAYLOAD-TRAILER", "UNSIGNED-PAYLOAD"])(
    "CVE-2025-31489, CVE-2026-40344, CVE-2026-41145: an unsigned body (%s) still needs the head's signature",
    (kind) => {
      const headers = { ...trailerHead.headers, "x-amz-content-sha256": kind };
      expect(codeOf({ ...trailerHead, headers })).toBe("SignatureDoesNotMatch");
      const unsigned = { host: "s3.amazonaws.com", "x-amz-content-sha256": kind };
      expect(codeOf({ method: "PUT", url: "/b/k", headers: unsigned })).toBe("AccessDenied");
      expect(
        codeOf({ ...presigned, method: "PUT", headers: { "x-amz-content-sha256": kind } }),
      ).toBe(
        "AccessDenied", // the header is not under the signature
      );
    },
  );

  test("CVE-2026-54330: no single character of the authorization can change", () => {
    const authorization = `AWS4-HMAC-SHA256 ${good},${tail}`;
    for (let at = 0; at < authorization.length; at++) {
      const other = authorization[at] === "1" ? "2" : "1";
      const changed = authorization.slice(0, at) + other + authorization.slice(at + 1);
      expect(codeOf(header(changed)), changed).not.toBe("accepted");
    }
  });
});

test("a rotated secret does not meet an old signing key", () => {
  const keys = new SigningKeys();
  const first = keys.get("AK", "one", "20130524", "us-east-1");
  expect(keys.get("AK", "one", "20130524", "us-east-1")).toBe(first);
  expect(keys.get("AK", "two", "20130524", "us-east-1").sign("")).not.toBe(first.sign(""));
});

test("claims one after the other are each their own, however they are written", () => {
  const target = parseTarget("/b/k", "h", undefined);
  const claimed = (accessKey: string, day: number, write: (words: string[]) => string) => {
    const date = `201305${day}`;
    const words = [
      `Credential=${accessKey}/${date}/us-east-1/s3/aws4_request`,
      "SignedHeaders=host;x-amz-date",
      `Signature=${accessKey}${day}`,
    ];
    const headers = {
      authorization: `AWS4-HMAC-SHA256 ${write(words)}`,
      "x-amz-date": `${date}T000000Z`,
    };
    return claimOf({ method: "GET", target, headers });
  };
  const ways = [
    (words: string[]) => words.join(","),
    (words: string[]) => words.join(", "),
    (words: string[]) => words.toReversed().join(" ,\t"),
    (words: string[]) => ["Other=1", ...words].join(",  "),
  ];
  for (const accessKey of ["A", "B/c", "A"])
    for (const day of [23, 24])
      for (const write of ways)
        expect(claimed(accessKey, day, write)).toEqual({
          ...{ accessKey, date: `201305${day}`, region: "us-east-1" },
          scope: `201305${day}/us-east-1/s3/aws4_request`,
          timestamp: `201305${day}T000000Z`,
          ...{ signedHeaders: "host;x-amz-date", signature: `${accessKey}${day}` },
        });
  expect(() => claimed("A", 24, (words) => [...words, "Signature=2"].join(","))).toThrow(S3Error);
});

test("nothing of the signature that was compared before stands in for what does not fit", () => {
  const right = "0123456789abcdef".repeat(4);
  expect(sameSignature(right, right.toUpperCase())).toBe(true);
  // The sign takes three bytes, and there is room for two: none of it is written.
  expect(sameSignature(right, `${right.slice(0, 62)}€x`)).toBe(false);
  expect(sameSignature(right, right.slice(0, 63))).toBe(false);
});
