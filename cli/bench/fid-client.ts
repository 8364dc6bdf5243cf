/** The face for fids over raw sockets. What it names itself, the load knows by its own keys. */
import { QuarryError } from "../../base/errors.ts";
import { HttpConnection } from "./http-connection.ts";
import type { Client, Request } from "./request.ts";
import type { Measured } from "./stored.ts";

const none: Buffer = Buffer.alloc(0);

interface Sent {
  readonly head: Buffer;
  readonly body: Buffer;
}

export function fidClient({ target, stored }: Pick<Measured, "target" | "stored">): Client {
  const { fids: url, bucket, credentials } = target;
  if (url === undefined || credentials === undefined)
    throw new QuarryError(
      "InvalidArgument",
      `${target.url} has no fids that are known: say where, with --fids (docs/faces.md)`,
    );
  const { host } = new URL(url);
  const { accessKey, secretKey } = credentials;
  const proof = Buffer.from(`${accessKey}:${secretKey}`).toString("base64");
  const sentOf = (method: string, name: string, body = none): Sent => ({
    head: Buffer.from(
      `${method} /v1/${bucket}${name} HTTP/1.1\r\nhost: ${host}\r\nauthorization: Basic ${proof}\r\ncontent-length: ${body.length}\r\n\r\n`,
    ),
    body,
  });
  const nameOf = (key: string) => {
    const name = stored.fids.get(key);
    if (name === undefined) throw new QuarryError("NoSuchKey", `no fid was stored for ${key}`);
    return `/${name}`;
  };
  const requestOf = (request: Request): Sent => {
    if (request.type === "put") return sentOf("POST", "", request.body);
    if (request.type === "get") return sentOf("GET", nameOf(request.key));
    if (request.type === "delete") return sentOf("DELETE", nameOf(request.key));
    throw new QuarryError("NotImplemented", `fids are not asked to ${request.type}`);
  };
  return {
    async lane() {
      const connection = await HttpConnection.open(url);
      return {
        async send(request) {
          const { head, body } = requestOf(request);
          const answer = await connection.send(head, body, request.type === "put");
          const { status, text, bodyBytes } = answer;
          if (status < 200 || status > 299)
            throw new QuarryError("Unavailable", `${request.type}: status ${status}: ${text}`);
          if (request.type === "put") stored.fids.set(request.key, fidIn(text));
          if (request.type === "delete") stored.fids.delete(request.key);
          return { bodyBytes };
        },
        [Symbol.dispose]: () => connection[Symbol.dispose](),
      };
    },
  };
}

function fidIn(text: string): string {
  const { TFS_FILE_NAME: name } = JSON.parse(text) as { readonly TFS_FILE_NAME?: string };
  if (name === undefined) throw new QuarryError("Protocol", `a file without a fid: ${text}`);
  return name;
}
