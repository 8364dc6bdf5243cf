/** The largest there is, and one more, against a real server: 5 GiB at once, the rules of parts. */
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetObjectCommand,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { headText } from "../gateway-running.ts";
import { freePort, rootKeys, type ServerProcess, startServer } from "../server-process.ts";
import { signRequest } from "../sign-request.ts";
import { BUCKET, Stored } from "./stored.ts";

const GiB = 2 ** 30;
const MiB = 2 ** 20;
const signer = {
  accessKey: rootKeys.accessKeyId,
  secretKey: rootKeys.secretAccessKey,
  region: "us-east-1",
};
const stored = new Stored();
let folder: string;
let port: number;
let server: ServerProcess;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "quarry-sizes-"));
  port = await freePort();
  const args = ["--single-process", "--durability", "none"];
  server = await startServer({ data: folder, port, args });
  await stored.some(server.client);
});
afterAll(async () => {
  await stored.check(server.client);
  await server.kill();
  await rm(folder, { recursive: true });
});

async function begin(key: string): Promise<string> {
  const target = { Bucket: BUCKET, Key: key };
  const { UploadId = "" } = await server.client.send(new CreateMultipartUploadCommand(target));
  return UploadId;
}

/** Announces a body, waits to be told to send it, and goes away. */
function announce(url: string, headers: Record<string, string>, hash: string): Promise<string> {
  const all = { host: `127.0.0.1:${port}`, expect: "100-continue", ...headers };
  const signed = signRequest(signer, "PUT", url, all, hash, Date.now());
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("data", (data) => {
      resolve(data.toString("latin1"));
      socket.destroy();
    });
    socket.write(headText("PUT", url, signed.headers));
  });
}

describe("5 GiB at once", () => {
  const chunked = (length: number) => ({
    "content-encoding": "aws-chunked",
    "content-length": String(length + 1000),
    "x-amz-decoded-content-length": String(length),
  });
  const plain = (length: number) => ({ "content-length": String(length) });
  const kinds = [
    ["UNSIGNED-PAYLOAD", plain],
    ["STREAMING-UNSIGNED-PAYLOAD-TRAILER", chunked],
    ["STREAMING-AWS4-HMAC-SHA256-PAYLOAD", chunked],
  ] as const;

  test.each(kinds)("may be sent, one byte more may not (%s)", async (hash, headers) => {
    const upload = await begin("huge");
    for (const url of [`/${BUCKET}/huge`, `/${BUCKET}/huge?partNumber=1&uploadId=${upload}`]) {
      expect(await announce(url, headers(5 * GiB), hash)).toMatch(/^HTTP\/1.1 100/);
      const refused = await announce(url, headers(5 * GiB + 1), hash);
      expect(refused).toMatch(/^HTTP\/1.1 400/);
      expect(refused).toContain("<Code>EntityTooLarge</Code>");
      expect(refused).toContain(`<MaxSizeAllowed>${5 * GiB}</MaxSizeAllowed>`);
    }
  });
});

describe("parts", () => {
  const put = (upload: string, key: string, part: number, body: Buffer) =>
    server.client.send(
      new UploadPartCommand({
        Bucket: BUCKET,
        Key: key,
        UploadId: upload,
        PartNumber: part,
        Body: body,
      }),
    );
  const complete = (upload: string, key: string, parts: { PartNumber: number; ETag: string }[]) =>
    server.client.send(
      new CompleteMultipartUploadCommand({
        ...{ Bucket: BUCKET, Key: key, UploadId: upload, MultipartUpload: { Parts: parts } },
      }),
    );

  test("numbers from 1 to 10,000, in rising order, none below 5 MiB but the last", async () => {
    const upload = await begin("ruled");
    const large = Buffer.alloc(5 * MiB, 1);
    const etags = new Map<number, string>();
    for (const [part, body] of [
      [1, large],
      [2, large.subarray(1)],
      [10_000, Buffer.from("end")],
    ] as const)
      etags.set(part, (await put(upload, "ruled", part, body)).ETag ?? "");
    for (const part of [0, 10_001, -1])
      await expect(put(upload, "ruled", part, Buffer.from("x"))).rejects.toMatchObject({
        name: "InvalidArgument",
      });
    const named = (...numbers: number[]) =>
      numbers.map((PartNumber) => ({ PartNumber, ETag: etags.get(PartNumber) ?? '"0"' }));
    const refused: [{ PartNumber: number; ETag: string }[], string][] = [
      [named(10_000, 1), "InvalidPartOrder"],
      [named(1, 3), "InvalidPart"],
      [[{ PartNumber: 1, ETag: '"00000000000000000000000000000000"' }], "InvalidPart"],
      [named(1, 2, 10_000), "EntityTooSmall"],
      [[], "MalformedXML"],
    ];
    for (const [parts, name] of refused)
      await expect(complete(upload, "ruled", parts)).rejects.toMatchObject({ name });
    await complete(upload, "ruled", named(1, 10_000));
    const got = await server.client.send(new GetObjectCommand({ Bucket: BUCKET, Key: "ruled" }));
    const bytes = Buffer.from((await got.Body?.transformToByteArray()) ?? []);
    expect(bytes.equals(Buffer.concat([large, Buffer.from("end")]))).toBe(true);
    await expect(complete(upload, "other", named(1))).rejects.toMatchObject({
      name: "NoSuchUpload",
    });
  });
});
