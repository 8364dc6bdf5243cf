import { createServer } from "node:http";
import { S3Client } from "@aws-sdk/client-s3";
import { expect, test } from "vitest";
import { deleteKeys } from "./delete-keys.ts";

/** A store that answers each request by its method and body. */
async function against(
  answer: (line: string, body: string) => { readonly status: number; readonly body: string },
  run: (client: S3Client) => Promise<void>,
): Promise<string[]> {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (text) => {
      body += text;
    });
    request.on("end", () => {
      const line = `${request.method} ${request.url}`;
      seen.push(line);
      const { status, body: out } = answer(line, body);
      response.writeHead(status, { "content-type": "application/xml" }).end(out);
    });
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const { port } = server.address() as { port: number };
  const client = new S3Client({
    endpoint: `http://127.0.0.1:${port}`,
    region: "x",
    forcePathStyle: true,
    credentials: { accessKeyId: "a", secretAccessKey: "b" },
  });
  try {
    await run(client);
  } finally {
    client.destroy();
    server.close();
  }
  return seen;
}

const keys = ["a", "b", "c\u0001"].map((key) => ({ key }));

test("many in one request, those that XML cannot say alone, and each failure is told", async () => {
  const deleted: string[] = [];
  const failed: string[] = [];
  const seen = await against(
    (line) =>
      line.startsWith("POST")
        ? {
            status: 200,
            body: "<DeleteResult><Error><Key>b</Key><Code>AccessDenied</Code><Message>no</Message></Error></DeleteResult>",
          }
        : { status: 204, body: "" },
    (client) =>
      deleteKeys(client, "bkt", keys, {
        deleted: ({ key }) => deleted.push(key),
        failed: ({ key }, error) => failed.push(`${key} ${(error as Error).name}`),
      }),
  );
  expect(deleted.sort()).toEqual(["a", "c\u0001"]);
  expect(failed).toEqual(["b AccessDenied"]);
  expect(seen.map((line) => line.split("?")[0])).toEqual(["POST /bkt/", "DELETE /bkt/c%01"]);
});

test("one by one where the store has no request for many", async () => {
  const deleted: string[] = [];
  await against(
    (line) =>
      line.startsWith("POST")
        ? { status: 501, body: "<Error><Code>NotImplemented</Code></Error>" }
        : { status: 204, body: "" },
    (client) =>
      deleteKeys(client, "bkt", keys, {
        deleted: ({ key }) => deleted.push(key),
        failed: (_, error) => {
          throw error;
        },
      }),
  );
  expect(deleted.sort()).toEqual(["a", "b", "c\u0001"]);
});
