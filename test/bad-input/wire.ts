/** Signed requests as bytes on connections of their own, and all that comes back. */
import { connect } from "node:net";
import { headText } from "../gateway-running.ts";
import { rootKeys } from "../server-process.ts";
import { sha256, signRequest } from "../sign-request.ts";

const signer = {
  accessKey: rootKeys.accessKeyId,
  secretKey: rootKeys.secretAccessKey,
  region: "us-east-1",
};

export const codeOf = (answer: string) =>
  /<Code>(\w+)<\/Code>/.exec(answer)?.[1] ?? answer.slice(9, 12);

export interface Sent {
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
  readonly hash?: string;
  readonly nowMs?: number;
}

export interface Wire {
  /** Sends the parts; resolves with what came back when the connection ends. */
  raw(parts: readonly (string | Uint8Array)[], vanish?: boolean): Promise<string>;
  /** The signed head of a request. */
  head(method: string, url: string, sent: Sent): string;
  send(method: string, url: string, sent?: Sent): Promise<string>;
}

export function wireTo(port: number): Wire {
  const raw: Wire["raw"] = (parts, vanish = false) =>
    new Promise((resolve) => {
      const socket = connect(port, "127.0.0.1");
      let got = "";
      socket.setEncoding("latin1");
      socket.on("data", (text: string) => {
        got += text;
      });
      socket.on("error", () => undefined); // a reset ends it too
      socket.on("close", () => resolve(got));
      for (const part of parts) socket.write(part);
      if (vanish) socket.write("", () => socket.destroy());
    });
  const head: Wire["head"] = (method, url, { headers = {}, body = "", hash, nowMs }) => {
    const bytes = Buffer.from(body);
    const all = {
      ...{ host: `127.0.0.1:${port}`, connection: "close", "content-length": String(bytes.length) },
      ...headers,
    };
    const promised = hash ?? sha256(bytes);
    return headText(
      method,
      url,
      signRequest(signer, method, url, all, promised, nowMs ?? Date.now()).headers,
    );
  };
  const send: Wire["send"] = (method, url, sent = {}) =>
    raw([head(method, url, sent), sent.body ?? ""]);
  return { raw, head, send };
}
