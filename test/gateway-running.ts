/** A gateway on a free port, with one user, for tests. */
import { connect } from "node:net";
import { pino } from "pino";
import { type Clock, systemClock } from "../base/clock.ts";
import { systemRandom } from "../base/random.ts";
import type { Store } from "../client/store.ts";
import { createGateway, type Gateway } from "../gateway/create-gateway.ts";
import { addUser } from "./memory-store.ts";
import { type SignedRequest, signRequest } from "./sign-request.ts";

export const user = { accessKey: "AKTEST", secretKey: "not/a+secret", region: "us-east-1" };
export const other = { accessKey: "AKOTHER", secretKey: "another-secret", region: "us-east-1" };

export interface RunningGateway extends AsyncDisposable {
  readonly gateway: Gateway;
  readonly port: number;
  readonly host: string;
  readonly endpoint: string;
  /** Everything that was logged. */
  readonly logged: string[];
  sign(method: string, url: string, headers: Record<string, string>, hash: string): SignedRequest;
  /** Sends raw bytes on a fresh connection; resolves with all that came back until it was closed. */
  raw(...parts: (string | Uint8Array)[]): Promise<string>;
}

export async function runGateway(
  store: Store,
  clock: Clock = systemClock,
): Promise<RunningGateway> {
  const logged: string[] = [];
  await addUser(store, { id: "user-1", displayName: "Tester" }, user);
  await addUser(store, { id: "user-2", displayName: "Other" }, other);
  const gateway = createGateway({
    store,
    clock,
    region: user.region,
    random: systemRandom,
    logger: pino({ level: "trace" }, { write: (line: string) => void logged.push(line) }),
    domain: "s3.test",
  });
  const { port } = await gateway.listen({ host: "127.0.0.1", port: 0 });
  const host = `127.0.0.1:${port}`;
  return {
    gateway,
    port,
    host,
    endpoint: `http://${host}`,
    logged,
    sign: (method, url, headers, hash) =>
      signRequest(user, method, url, { host, ...headers }, hash, clock.nowMs()),
    raw: (...parts) =>
      new Promise((resolve, reject) => {
        const socket = connect(port, "127.0.0.1");
        let got = "";
        socket.setEncoding("latin1");
        socket.on("data", (text: string) => {
          got += text;
        });
        socket.on("error", (error) => (got === "" ? reject(error) : resolve(got)));
        socket.on("close", () => resolve(got));
        for (const part of parts) socket.write(part);
      }),
    async [Symbol.asyncDispose]() {
      await gateway.close();
    },
  };
}

/** The head of a request as it goes on the wire. */
export function headText(method: string, url: string, headers: Record<string, string>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${url} HTTP/1.1\r\n${lines.join("")}\r\n`;
}
