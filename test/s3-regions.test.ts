/** How clients that do not know the region, or sign for another, learn the right one. */
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Store } from "../client/store.ts";
import { headText, other, type RunningGateway, runGateway, user } from "./gateway-running.ts";
import { memoryStore } from "./memory-store.ts";
import { presignUrl, sha256, signRequest } from "./sign-request.ts";

let store: Store;
let running: RunningGateway;

beforeAll(async () => {
  store = await memoryStore();
  running = await runGateway(store);
  await store.names.execute({ type: "createBucket", bucket: "bucket", owner: "user-1" });
});
afterAll(async () => await running.gateway.close());

/** The status and the region that a signed request is answered with. */
async function answerTo(method: string, url: string, signer: typeof user, host = running.host) {
  const headers = { host, connection: "close" };
  const signed = signRequest(signer, method, url, headers, sha256(""), Date.now());
  const answer = await running.raw(headText(method, url, signed.headers));
  return {
    status: Number(answer.slice(9, 12)),
    region: /\r\nx-amz-bucket-region: (\S+)\r\n/i.exec(answer)?.[1],
    body: answer.slice(answer.indexOf("\r\n\r\n") + 4),
  };
}
const elsewhere = { ...user, region: "mars-north-1" };

test("HEAD of a bucket tells its region, also when it is refused", async () => {
  expect(await answerTo("HEAD", "/bucket", user)).toMatchObject({
    status: 200,
    region: "us-east-1",
  });
  expect(await answerTo("HEAD", "/bucket", other)).toMatchObject({
    status: 403,
    region: "us-east-1",
  });
  expect(await answerTo("HEAD", "/bucket", elsewhere)).toEqual({
    status: 400,
    region: "us-east-1",
    body: "",
  });
  expect(await answerTo("HEAD", "/nowhere", user)).toEqual({
    status: 404,
    region: undefined,
    body: "",
  });
});

test("HEAD of a bucket without a signature tells its region", async () => {
  const answer = await fetch(`${running.endpoint}/bucket`, { method: "HEAD" });
  expect(answer.status).toBe(403);
  expect(answer.headers.get("x-amz-bucket-region")).toBe("us-east-1");
});

test.each(["/bucket/key", "/bucket?location=", "/"])(
  "a signature for another region is answered with the right one at %s",
  async (url) => {
    const { status, region, body } = await answerTo("GET", url, elsewhere);
    expect([status, region]).toEqual([400, "us-east-1"]);
    expect(body).toContain("<Code>AuthorizationHeaderMalformed</Code>");
    expect(body).toContain("<Region>us-east-1</Region>");
  },
);

test("so is a presigned URL for another region", async () => {
  const url = presignUrl(elsewhere, "GET", "/bucket/key", {}, { host: running.host }, Date.now());
  const answer = await fetch(`${running.endpoint}${url}`);
  expect(answer.status).toBe(400);
  expect(answer.headers.get("x-amz-bucket-region")).toBe("us-east-1");
  expect(await answer.text()).toContain("<Region>us-east-1</Region>");
});

test("a bucket is found by its host as by its path", async () => {
  await store.names.execute({ type: "createBucket", bucket: "a.b", owner: "user-1" });
  for (const host of ["bucket.s3.test", "BUCKET.S3.TEST:80", "a.b.s3.test"])
    expect((await answerTo("HEAD", "/", user, host)).status).toBe(200);
  expect((await answerTo("HEAD", "/bucket", user, "s3.test")).status).toBe(200);
  expect((await answerTo("HEAD", "/", user, "nowhere.s3.test")).status).toBe(404);
  // under a bucket's host a path is a key, whatever it looks like
  expect((await answerTo("GET", "/bucket", user, "bucket.s3.test")).body).toContain("NoSuchKey");
});

test("a version 2 URL is told how to get another", async () => {
  const answer = await fetch(
    `${running.endpoint}/bucket/key?AWSAccessKeyId=a&Signature=b&Expires=1`,
  );
  expect(answer.status).toBe(400);
  expect(await answer.text()).toContain("signature_version s3v4");
});
