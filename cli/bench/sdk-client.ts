/** S3 over @aws-sdk/client-s3, as most programs reach a store: shows what the SDK adds. */
import {
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { QuarryError, unreachable } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import type { Answer, Client, Request, Target } from "./request.ts";

export function sdkClient(target: Target): Client {
  const { url, region, bucket, credentials } = target;
  if (credentials === undefined)
    throw new QuarryError("InvalidArgument", "the SDK signs requests: it needs keys");
  return {
    async lane() {
      const agent = { keepAlive: true, maxSockets: 1 };
      const client = new S3Client({
        endpoint: url,
        region,
        forcePathStyle: true,
        credentials: { accessKeyId: credentials.accessKey, secretAccessKey: credentials.secretKey },
        maxAttempts: 1,
        requestChecksumCalculation: "WHEN_REQUIRED",
        responseChecksumValidation: "WHEN_REQUIRED",
        requestHandler: {
          httpAgent: agent,
          httpsAgent: agent,
          requestTimeout: limits.benchAnswerMs,
        },
      });
      return {
        send: (request) => send(client, bucket, request),
        [Symbol.dispose]: () => client.destroy(),
      };
    },
  };
}

async function send(client: S3Client, Bucket: string, request: Request): Promise<Answer> {
  switch (request.type) {
    case "put":
      await client.send(new PutObjectCommand({ Bucket, Key: request.key, Body: request.body }));
      return { bodyBytes: 0 };
    case "get":
      return await read(client, new GetObjectCommand({ Bucket, Key: request.key }));
    case "range": {
      const Range = `bytes=${request.first}-${request.last}`;
      return await read(client, new GetObjectCommand({ Bucket, Key: request.key, Range }));
    }
    case "delete":
      await client.send(new DeleteObjectCommand({ Bucket, Key: request.key }));
      return { bodyBytes: 0 };
    case "list": {
      const { prefix, after, most } = request;
      const page = await client.send(
        new ListObjectsV2Command({
          ...{ Bucket, Prefix: prefix, MaxKeys: most },
          ...(after !== "" && { StartAfter: after }),
        }),
      );
      return { bodyBytes: 0, keys: page.Contents?.length ?? 0 };
    }
    case "createUpload": {
      const made = new CreateMultipartUploadCommand({ Bucket, Key: request.key });
      return tagged((await client.send(made)).UploadId);
    }
    case "uploadPart": {
      const { key: Key, upload: UploadId, part: PartNumber, body: Body } = request;
      const sent = new UploadPartCommand({ Bucket, Key, UploadId, PartNumber, Body });
      return tagged((await client.send(sent)).ETag);
    }
    case "completeUpload": {
      const Parts = request.etags.map((ETag, i) => ({ ETag, PartNumber: i + 1 }));
      const { key: Key, upload: UploadId } = request;
      const MultipartUpload = { Parts };
      await client.send(
        new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload }),
      );
      return { bodyBytes: 0 };
    }
    default:
      return unreachable(request);
  }
}

async function read(client: S3Client, command: GetObjectCommand): Promise<Answer> {
  const { Body } = await client.send(command);
  let bodyBytes = 0;
  for await (const chunk of Body as AsyncIterable<Buffer>) bodyBytes += chunk.length;
  return { bodyBytes };
}

function tagged(tag: string | undefined): Answer {
  if (tag === undefined) throw new QuarryError("Protocol", "the store named no upload or ETag");
  return { bodyBytes: 0, tag };
}
