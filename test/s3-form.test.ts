/** Uploads by forms over real sockets: what is stored, what is answered, and what is refused. */
import { createHash } from "node:crypto";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Store } from "../client/store.ts";
import type { Grant } from "../rpc/objects.ts";
import { type Field, FORM_TYPE, formBody, policyText, signed2, signed4 } from "./form-request.ts";
import { headText, other, type RunningGateway, runGateway, user } from "./gateway-running.ts";
import { memoryStore } from "./memory-store.ts";
import { sha256 } from "./sign-request.ts";

let store: Store;
let running: RunningGateway;

const everybodyWrites: Grant[] = [
  { grantee: { type: "user", id: "user-1" }, permission: "FULL_CONTROL" },
  { grantee: { type: "group", group: "AllUsers" }, permission: "WRITE" },
];

beforeAll(async () => {
  store = await memoryStore();
  running = await runGateway(store);
  const make = (bucket: string, settings = {}) =>
    store.names.execute({ type: "createBucket", bucket, owner: "user-1", settings });
  await make("bucket");
  await make("public", { acl: everybodyWrites });
});
afterAll(async () => await running.gateway.close());

const post = (fields: readonly Field[], path = "/bucket", headers: Record<string, string> = {}) =>
  fetch(`${running.endpoint}${path}`, {
    method: "POST",
    body: formBody(fields),
    headers: { "content-type": FORM_TYPE, ...headers },
    redirect: "manual",
  });

async function stored(bucket: string, key: string) {
  const opened = await store.open({ bucket, key, offset: 0 });
  const parts: Buffer[] = [];
  for await (const view of opened.read(0, opened.object.lengthBytes)) parts.push(Buffer.from(view));
  return { text: Buffer.concat(parts).toString(), ...opened.object.attributes };
}

async function count(bucket: string): Promise<number> {
  return (await store.names.bucket(bucket)).objects;
}

const codeOf = async (answer: Response) =>
  /<Code>(\w+)<\/Code>/.exec(await answer.text())?.[1] ?? String(answer.status);

const file: Field = ["file", "hello", "file.txt"];
const conditions = [{ bucket: "bucket" }, ["starts-with", "$key", "up/"]];
const key: Field = ["key", "up/a"];
// biome-ignore lint/suspicious/noTemplateCurlyInString: no template, but a text that forms have
const FILENAME = "${filename}";
const etag = createHash("md5").update("hello").digest("hex");

describe("a signed form", () => {
  test.each([
    ["version 2", () => signed2(user, policyText(conditions))],
    ["version 4", () => signed4(user, conditions)],
  ])("of %s is stored", async (name, proof) => {
    const answer = await post([["key", `up/${name}`], ...proof(), file]);
    expect(answer.status).toBe(204);
    expect(await answer.text()).toBe("");
    expect(answer.headers.get("etag")).toBe(`"${etag}"`);
    expect(answer.headers.get("location")).toBe(
      `${running.endpoint}/bucket/up/${encodeURIComponent(name)}`,
    );
    expect(await stored("bucket", `up/${name}`)).toMatchObject({ text: "hello", etag });
  });

  test("says what a PUT says in headers, in fields of any case", async () => {
    const fields: Field[] = [
      ["Key", "up/ü"],
      ["ACL", "private"],
      ["Content-Type", "text/plain; charset=utf-8"],
      ["Cache-Control", "no-cache"],
      ["X-Amz-Meta-Colour", "grün"],
      [
        "tagging",
        "<Tagging><TagSet><Tag><Key>a b</Key><Value>ü=1</Value></Tag></TagSet></Tagging>",
      ],
      ["x-ignore-me", "whatever"],
      ["Content-MD5", createHash("md5").update("hello").digest("base64")],
      ["x-amz-checksum-sha256", createHash("sha256").update("hello").digest("base64")],
    ];
    const all = [
      ...conditions,
      { AcL: "private" },
      ["StArTs-WiTh", "$content-TYPE", "text/"],
      ["eq", "$Cache-control", "no-cache"],
      ["starts-with", "$x-amz-meta-colour", ""],
      ["starts-with", "$tagging", ""],
      ["starts-with", "$content-md5", ""],
    ];
    const answer = await post([...fields, ...signed4(user, all), file]);
    expect(await answer.text()).toBe("");
    expect(await stored("bucket", "up/ü")).toMatchObject({
      contentType: "text/plain; charset=utf-8",
      headers: { "cache-control": "no-cache" },
      userMetadata: { colour: "grün" },
      tags: { "a b": "ü=1" },
      checksum: { algorithm: "SHA256", type: "FULL_OBJECT" },
    });
  });

  test("takes the name of the file, without folders", async () => {
    const fields: Field[] = [["key", `up/$&/${FILENAME}`], ...signed4(user, conditions)];
    expect((await post([...fields, ["file", "x", "C:\\dir/ä$&.txt"]])).status).toBe(204);
    expect((await stored("bucket", "up/$&/ä$&.txt")).text).toBe("x");
  });

  test("of several megabytes comes in whole", async () => {
    const big = Buffer.alloc(9_000_001, "0123456789\r\n------test-boundar");
    const fields: Field[] = [key, ...signed4(user, conditions), ["file", big, "big"]];
    expect((await post(fields)).status).toBe(204);
    expect((await stored("bucket", "up/a")).text).toBe(big.toString());
  });

  test("in a chunked transfer that says no length", async () => {
    const whole = formBody([["key", "up/chunked"], ...signed4(user, conditions), file]);
    const answer = await fetch(`${running.endpoint}/bucket`, {
      method: "POST",
      body: new Blob([new Uint8Array(whole)]).stream(),
      headers: { "content-type": FORM_TYPE },
      duplex: "half",
    });
    expect(answer.status).toBe(204);
    expect((await stored("bucket", "up/chunked")).text).toBe("hello");
  });

  test("leaves the connection to the next request", async () => {
    const body = formBody([["key", "up/first"], ...signed4(user, conditions), file]);
    const head = headText("POST", "/bucket", {
      host: running.host,
      "content-type": FORM_TYPE,
      "content-length": String(body.length),
    });
    const next = headText("GET", "/health/live", { host: running.host, connection: "close" });
    const answers = await running.raw(head, body, next);
    expect(answers).toMatch(/^HTTP\/1.1 204 [\s\S]*HTTP\/1.1 200 OK[\s\S]*"live"/);
  });

  test("what follows the file is ignored", async () => {
    const fields: Field[] = [key, ...signed4(user, conditions), file, ["key", "other"], file];
    expect((await post(fields)).status).toBe(204);
    expect((await stored("bucket", "up/a")).text).toBe("hello");
  });
});

describe("answers", () => {
  const proof = (more: unknown[] = []) => signed4(user, [...conditions, ...more]);

  test("201 tells what was stored", async () => {
    const more = { success_action_status: "201" };
    const answer = await post([key, ["success_action_status", "201"], ...proof([more]), file]);
    expect(answer.status).toBe(201);
    expect(await answer.text()).toBe(
      `<?xml version="1.0" encoding="UTF-8"?>\n<PostResponse><Location>${running.endpoint}/bucket/up/a</Location><Bucket>bucket</Bucket><Key>up/a</Key><ETag>&quot;${etag}&quot;</ETag></PostResponse>`,
    );
  });

  test.each([
    ["200", 200],
    ["404", 204],
  ])("success_action_status %s: %s", async (said, status) => {
    const more = ["starts-with", "$success_action_status", ""];
    const answer = await post([key, ["success_action_status", said], ...proof([more]), file]);
    expect(answer.status).toBe(status);
  });

  test("a redirect says what was stored", async () => {
    const address = "https://page.test/done?a=b";
    const more = { success_action_redirect: address };
    const answer = await post([key, ["success_action_redirect", address], ...proof([more]), file]);
    expect(answer.status).toBe(303);
    expect(answer.headers.get("location")).toBe(
      `${address}&bucket=bucket&key=up%2Fa&etag=%22${etag}%22`,
    );
  });

  test("under the bucket's own host", async () => {
    const body = formBody([key, ...proof(), file]).toString("latin1");
    const answer = await running.raw(
      `POST / HTTP/1.1\r\nHost: bucket.s3.test\r\nContent-Type: ${FORM_TYPE}\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
    );
    expect(answer).toMatch(/^HTTP\/1.1 204 [\s\S]*Location: http:\/\/bucket.s3.test\/up\/a\r\n/);
  });
});

describe("without a signature", () => {
  test("a form comes into a bucket where everybody may write", async () => {
    const answer = await post([["key", "mine"], file], "/public");
    expect(answer.status).toBe(204);
    expect((await stored("public", "mine")).text).toBe("hello");
  });

  test("and into no other", async () => {
    expect(await codeOf(await post([key, file]))).toBe("AccessDenied");
  });
});

describe("published holes", () => {
  const heldBy = async (bucket: string) => ({ bucket, objects: await count(bucket) });
  const refusedAs = async (code: string, fields: readonly Field[], path = "/bucket") => {
    const was = [await heldBy("bucket"), await heldBy("public")];
    expect(await codeOf(await post(fields, path))).toBe(code);
    expect([await heldBy("bucket"), await heldBy("public")]).toEqual(was);
  };

  // CVE-2023-43040: the bucket of a form's field took the place of the one that was checked
  test("CVE-2023-43040: a form names another bucket than its URL", async () => {
    const fields: Field[] = [
      ["key", "up/hole"],
      ["bucket", "bucket"],
    ];
    await refusedAs("AccessDenied", [...fields, file], "/public");
    await refusedAs("AccessDenied", [...fields, ...signed4(user, conditions), file], "/public");
    await refusedAs(
      "AccessDenied",
      [["key", "up/hole"], ...signed4(user, conditions), file],
      "/public",
    );
  });

  // CVE-2021-21362: a form was stored with the rights of nobody in particular
  test("CVE-2021-21362: a signer who may not write gives a form", async () => {
    await refusedAs("AccessDenied", [["key", "up/hole"], ...signed4(other, conditions), file]);
    await refusedAs("AccessDenied", [
      ["key", "up/hole"],
      ...signed2(other, policyText(conditions)),
      file,
    ]);
  });

  // CVE-2023-28434: what was taken for a form's upload depended on how the request was looked at
  test.each(["multipart/form-data", "Multipart/Form-Data; boundary=x", "text/plain", ""])(
    "CVE-2023-28434: a form of the type %j gets no further than one with a signature",
    async (type) => {
      const was = await heldBy("bucket");
      for (const path of ["/bucket", "/bucket/", "/bucket/key", "//bucket", "/"]) {
        const answer = await post([["key", "hole"], file], path, { "content-type": type });
        expect(answer.status).toBeGreaterThanOrEqual(400);
      }
      expect(await heldBy("bucket")).toEqual(was);
    },
  );
});

describe("refused, with nothing stored", () => {
  const late = Date.now() - 1000;
  const proof = () => signed4(user, conditions);
  const range = (min: number, max: number) =>
    signed4(user, [...conditions, ["content-length-range", min, max]]);
  const swap = (fields: Field[], name: string, value: string): Field[] =>
    fields.map((field) => (field[0] === name ? [name, value] : field));
  const without = (fields: Field[], name: string) => fields.filter((field) => field[0] !== name);

  test.each<[string, () => readonly Field[], string]>([
    ["no key", () => [...proof(), file].filter(([name]) => name !== "key"), "AccessDenied"],
    ["a key outside the policy", () => [["key", "down/a"], ...proof(), file], "AccessDenied"],
    ["a field too many", () => [key, ["acl", "private"], ...proof(), file], "AccessDenied"],
    [
      "a policy that expired",
      () => [key, ...signed4(user, conditions, { expiresMs: late }), file],
      "AccessDenied",
    ],
    [
      "a signature of eight days ago",
      () => [key, ...signed4(user, conditions, { nowMs: late - 8 * 86_400_000 }), file],
      "AccessDenied",
    ],
    [
      "another region",
      () => [key, ...signed4(user, conditions, { region: "mars" }), file],
      "AuthorizationQueryParametersError",
    ],
    [
      "another secret",
      () => [key, ...signed4({ ...user, secretKey: "x" }, conditions), file],
      "SignatureDoesNotMatch",
    ],
    [
      "an unknown key",
      () => [key, ...signed4({ ...user, accessKey: "x" }, conditions), file],
      "InvalidAccessKeyId",
    ],
    [
      "another secret, version 2",
      () => [key, ...signed2({ ...user, secretKey: "x" }, policyText(conditions)), file],
      "SignatureDoesNotMatch",
    ],
    [
      "a policy that was changed",
      () => [key, ...swap(proof(), "policy", policyText([])), file],
      "SignatureDoesNotMatch",
    ],
    ["no signature", () => [key, ...without(proof(), "x-amz-signature"), file], "InvalidArgument"],
    ["no policy", () => [key, ...without(proof(), "policy"), file], "InvalidArgument"],
    ["only a policy", () => [key, ["policy", policyText(conditions)], file], "InvalidArgument"],
    [
      "two signatures",
      () => [key, ...proof(), ...signed2(user, "x").slice(2), file],
      "InvalidArgument",
    ],
    ["a field twice", () => [key, key, ...proof(), file], "InvalidArgument"],
    ["no file", () => [key, ...proof()], "IncorrectNumberOfFilesInPostRequest"],
    ["a file before its fields", () => [file, key, ...proof()], "UserKeyMustBeSpecified"],
    ["a file too large", () => [key, ...range(0, 4), file], "EntityTooLarge"],
    ["a file too small", () => [key, ...range(6, 9), file], "EntityTooSmall"],
    [
      "20 KiB of fields",
      () => [key, ["x-ignore-a", "x".repeat(20_480)], ...proof(), file],
      "MaxPostPreDataLengthExceeded",
    ],
    [
      "101 fields",
      () => [...Array.from({ length: 101 }, (_, i): Field => [`f${i}`, ""]), file],
      "MaxPostPreDataLengthExceeded",
    ],
    [
      "a key that is too long",
      () => [["key", `up/${"x".repeat(1022)}`], ...proof(), file],
      "KeyTooLongError",
    ],
    [
      "a header in a field",
      () => [
        key,
        ["Content-Type", "a\r\nSet-Cookie: b"],
        ...signed4(user, [...conditions, ["starts-with", "$content-type", ""]]),
        file,
      ],
      "InvalidArgument",
    ],
    [
      "a name that is no header",
      () => [
        key,
        ["x-amz-meta-a b", "x"],
        ...signed4(user, [...conditions, { "x-amz-meta-a b": "x" }]),
        file,
      ],
      "InvalidArgument",
    ],
    [
      "a checksum of other bytes",
      () => [key, ["x-amz-checksum-crc32", "AAAAAA=="], ...proof(), file],
      "BadDigest",
    ],
    [
      "a checksum that is none",
      () => [key, ["x-amz-checksum-crc32", "sailorjerry"], ...proof(), file],
      "BadDigest",
    ],
  ])("%s", async (_, fields, code) => {
    const was = await count("bucket");
    expect(await codeOf(await post(fields()))).toBe(code);
    expect(await count("bucket")).toBe(was);
  });

  test("a body that ends within its file", async () => {
    const was = await count("bucket");
    const whole = formBody([["key", "up/cut"], ...proof(), ["file", "hello".repeat(1000), "f"]]);
    const answer = await fetch(`${running.endpoint}/bucket`, {
      method: "POST",
      body: whole.subarray(0, -100),
      headers: { "content-type": FORM_TYPE },
    });
    expect(await codeOf(answer)).toBe("MalformedPOSTRequest");
    expect(await count("bucket")).toBe(was);
  });

  test("a client that vanishes within its file", async () => {
    const was = await count("bucket");
    const whole = formBody([["key", "up/gone"], ...proof(), ["file", "hello".repeat(1000), "f"]]);
    const socket = connect(running.port, "127.0.0.1");
    const head = headText("POST", "/bucket", {
      host: running.host,
      "content-type": FORM_TYPE,
      "content-length": String(whole.length),
    });
    socket.write(head);
    socket.write(whole.subarray(0, -1000));
    const seen = () =>
      running.logged.some(
        (line) => line.includes('"verb":"PostObject"') && line.includes("went away"),
      );
    socket.end();
    await vi.waitUntil(seen, { timeout: 10_000 });
    expect(await count("bucket")).toBe(was);
  });

  test("what is no form", async () => {
    const answer = await post([key, ...proof(), file], "/bucket", { "content-type": "text/plain" });
    expect(await codeOf(answer)).toBe("PreconditionFailed");
  });

  test("a form for the bucket of somebody else", async () => {
    const owner = { "x-amz-expected-bucket-owner": "user-2" };
    expect(await codeOf(await post([key, ...proof(), file], "/bucket", owner))).toBe(
      "AccessDenied",
    );
  });

  test("encryption, in a field or in the head", async () => {
    const asked = { "x-amz-server-side-encryption": "AES256" };
    const fields: Field[] = [...Object.entries(asked), ...signed4(user, [...conditions, asked])];
    expect(await codeOf(await post([key, ...fields, file]))).toBe("NotImplemented");
    expect(await codeOf(await post([key, ...proof(), file], "/bucket", asked))).toBe(
      "NotImplemented",
    );
  });

  test("a form that is signed in its head", async () => {
    const { headers } = running.sign("POST", "/bucket", {}, sha256(""));
    expect(await codeOf(await post([key, file], "/bucket", headers))).toBe("InvalidArgument");
  });
});
