/** Stands between a client and a store; a test says which requests are never answered. */
import { createServer, type IncomingMessage, request } from "node:http";

export interface HoldingProxy extends AsyncDisposable {
  readonly endpoint: string;
  /** Method and path of all requests so far. */
  readonly seen: string[];
  /** Requests for which this is true wait for ever. */
  hold: (line: string, request: IncomingMessage) => boolean;
  /** Answers to requests for which this is a number end after so many bytes of their body. */
  cutAfter: (line: string) => number | undefined;
  /** Resolves when the first request is held. */
  held: Promise<void>;
  /** Waits for the next again. */
  rearm(): void;
}

export async function startHoldingProxy(store: string): Promise<HoldingProxy> {
  let armed = Promise.withResolvers<void>();
  const server = createServer((incoming, answer) => {
    const line = `${incoming.method} ${incoming.url}`;
    proxy.seen.push(line);
    if (proxy.hold(line, incoming)) {
      incoming.resume();
      incoming.once("end", () => armed.resolve());
      return;
    }
    const onward = request(
      `${store}${incoming.url}`,
      { method: incoming.method ?? "GET", headers: incoming.headers },
      (back) => {
        answer.writeHead(back.statusCode ?? 502, back.headers);
        const lastByte = proxy.cutAfter(line);
        if (lastByte === undefined) back.pipe(answer);
        else
          back.once("data", (view: Buffer) => {
            back.destroy();
            answer.write(view.subarray(0, lastByte), () => answer.destroy());
          });
      },
    );
    onward.on("error", () => answer.destroy());
    incoming.on("error", () => onward.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const proxy: HoldingProxy = {
    endpoint: `http://127.0.0.1:${address.port}`,
    seen: [],
    hold: () => false,
    cutAfter: () => undefined,
    held: armed.promise,
    rearm() {
      armed = Promise.withResolvers();
      proxy.held = armed.promise;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
  return proxy;
}
