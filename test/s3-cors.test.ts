/** CORS over real sockets: preflights, and what answers and refusals carry for a page of another origin. */
import * as s3 from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type RunningGateway, runGateway, user } from "./gateway-running.ts";
import { memoryStore } from "./memory-store.ts";
import { presignUrl, sha256 } from "./sign-request.ts";

const PAGE = "https://page.test";
let running: RunningGateway;
let client: s3.S3Client;

beforeAll(async () => {
  running = await runGateway(await memoryStore());
  client = new s3.S3Client({
    endpoint: running.endpoint,
    region: user.region,
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: { accessKeyId: user.accessKey, secretAccessKey: user.secretKey },
  });
  for (const Bucket of ["shared", "plain", "open"])
    await client.send(new s3.CreateBucketCommand({ Bucket }));
  await client.send(new s3.PutObjectCommand({ Bucket: "shared", Key: "key", Body: "bytes" }));
  const CORSRules: s3.CORSRule[] = [
    {
      AllowedOrigins: [PAGE],
      AllowedMethods: ["GET", "PUT"],
      AllowedHeaders: ["x-amz-*", "content-type"],
      ExposeHeaders: ["ETag", "x-amz-version-id"],
      MaxAgeSeconds: 600,
    },
  ];
  await client.send(
    new s3.PutBucketCorsCommand({ Bucket: "shared", CORSConfiguration: { CORSRules } }),
  );
  const everybody: s3.CORSRule[] = [{ AllowedOrigins: ["*"], AllowedMethods: ["GET"] }];
  await client.send(
    new s3.PutBucketCorsCommand({
      Bucket: "open",
      CORSConfiguration: { CORSRules: everybody },
    }),
  );
});
afterAll(async () => {
  client.destroy();
  await running.gateway.close();
});

/** The CORS headers of an answer, by name. */
const shown = ({ headers }: Response) =>
  Object.fromEntries(
    [...headers].filter(([name]) => name.startsWith("access-control-") || name === "vary"),
  );

const VARY = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method";
const granted = {
  "access-control-allow-origin": PAGE,
  "access-control-allow-methods": "GET, PUT",
  "access-control-allow-credentials": "true",
  "access-control-expose-headers": "ETag, x-amz-version-id",
  "access-control-max-age": "600",
  vary: VARY,
};

const preflight = (path: string, headers: Record<string, string>) =>
  fetch(`${running.endpoint}${path}`, { method: "OPTIONS", headers });

describe("preflights", () => {
  const asks = (method: string, more: Record<string, string> = {}) => ({
    origin: PAGE,
    "access-control-request-method": method,
    ...more,
  });

  test("are answered from the rules, without a signature", async () => {
    const headers = asks("PUT", { "access-control-request-headers": "Content-Type,x-amz-date" });
    const answer = await preflight("/shared/any/key?uploads", headers);
    expect(answer.status).toBe(200);
    expect(shown(answer)).toEqual({
      ...granted,
      "access-control-allow-headers": "Content-Type, x-amz-date",
    });
  });

  test("of a presigned URL", async () => {
    const url = presignUrl(user, "GET", "/shared/key", {}, { host: running.host }, Date.now());
    expect((await preflight(url, asks("GET"))).status).toBe(200);
  });

  test.each([
    ["a method that is not allowed", asks("DELETE"), 403],
    ["a header that is not allowed", asks("PUT", { "access-control-request-headers": "x" }), 403],
    [
      "what is no name of a header",
      asks("PUT", { "access-control-request-headers": "x-amz-date\tx-amz-a" }),
      403,
    ],
    [
      "more headers than anyone sends",
      asks("PUT", { "access-control-request-headers": "x-amz-a,".repeat(101) }),
      403,
    ],
    ["another origin", { ...asks("GET"), origin: "https://other.test" }, 403],
    ["no origin", { "access-control-request-method": "GET" }, 400],
    ["no method", { origin: PAGE }, 400],
  ])("%s is refused", async (_, headers, status) => {
    const answer = await preflight("/shared/key", headers as Record<string, string>);
    expect(answer.status).toBe(status);
    expect(answer.headers.get("access-control-allow-origin")).toBeNull();
  });

  test("say no more of a bucket without rules than of one that is not there", async () => {
    const bodies = [];
    for (const bucket of ["plain", "nowhere"]) {
      const answer = await preflight(`/${bucket}/key`, asks("GET"));
      expect(answer.status).toBe(403);
      const text = await answer.text();
      bodies.push(text.replace(/<(RequestId|HostId|Resource)>.*?<\/\1>/g, ""));
    }
    expect(bodies[0]).toBe(bodies[1]);
    expect(bodies[0]).toContain("<Code>AccessForbidden</Code>");
  });
});

describe("answers", () => {
  const get = (path: string, headers: Record<string, string> = { origin: PAGE }) => {
    const signed = running.sign("GET", path, headers, sha256(""));
    return fetch(`${running.endpoint}${path}`, { headers: signed.headers });
  };

  test("of a page that a rule allows", async () => {
    const answer = await get("/shared/key");
    expect(await answer.text()).toBe("bytes");
    expect(shown(answer)).toEqual(granted);
  });

  test("are readable by the page when they are refusals, too", async () => {
    const missing = await get("/shared/not-there");
    expect([missing.status, shown(missing)]).toEqual([404, granted]);
    const denied = await fetch(`${running.endpoint}/shared/key`, { headers: { origin: PAGE } });
    expect([denied.status, shown(denied)]).toEqual([403, granted]);
    const unreadable = await fetch(`${running.endpoint}/shared/key`, {
      headers: { origin: PAGE, authorization: "AWS4-HMAC-SHA256 nothing" },
    });
    expect([unreadable.status, shown(unreadable)]).toEqual([400, granted]);
  });

  test("of a presigned URL", async () => {
    const url = presignUrl(user, "GET", "/shared/key", {}, { host: running.host }, Date.now());
    const answer = await fetch(`${running.endpoint}${url}`, { headers: { origin: PAGE } });
    expect([answer.status, shown(answer)]).toEqual([200, granted]);
  });

  test("of a page that no rule allows, or of no page, only vary", async () => {
    expect(shown(await get("/shared/key", { origin: "https://other.test" }))).toEqual({
      vary: VARY,
    });
    expect(shown(await get("/shared/key", {}))).toEqual({ vary: VARY });
  });

  test("for all origins name none and allow no credentials", async () => {
    expect(shown(await get("/open"))).toEqual({
      "access-control-allow-origin": "*",
      "access-control-allow-methods": "GET",
      vary: VARY,
    });
  });

  test("of a bucket without rules carry nothing", async () => {
    expect(shown(await get("/plain"))).toEqual({});
  });
});

test("rules are read back and removed", async () => {
  const Bucket = "plain";
  const read = () => client.send(new s3.GetBucketCorsCommand({ Bucket }));
  await expect(read()).rejects.toMatchObject({ name: "NoSuchCORSConfiguration" });
  const CORSRules: s3.CORSRule[] = [
    { ID: "one", AllowedOrigins: ["http://*.test"], AllowedMethods: ["HEAD"] },
  ];
  const CORSConfiguration = { CORSRules };
  await client.send(new s3.PutBucketCorsCommand({ Bucket, CORSConfiguration }));
  expect((await read()).CORSRules).toEqual(CORSRules);
  await client.send(new s3.DeleteBucketCorsCommand({ Bucket }));
  await expect(read()).rejects.toMatchObject({ name: "NoSuchCORSConfiguration" });
});

test("more than 64 KiB of rules are too many", async () => {
  const ID = "x".repeat(255);
  const CORSRules = Array.from({ length: 100 }, () => ({
    ID,
    AllowedOrigins: ["https://a-long-name".repeat(24)],
    AllowedMethods: ["GET"],
  }));
  await expect(
    client.send(new s3.PutBucketCorsCommand({ Bucket: "plain", CORSConfiguration: { CORSRules } })),
  ).rejects.toMatchObject({ name: "MaxMessageLengthExceeded" });
});
