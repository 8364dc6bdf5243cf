/** A port that nobody listens at now. */
import { createServer } from "node:net";
import { assert } from "../../base/errors.ts";

export async function freePort(host: string): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening, failed) => {
    server.once("error", failed);
    server.listen(0, host, listening);
  });
  const address = server.address();
  await new Promise((closed) => server.close(closed));
  assert(typeof address === "object" && address !== null, "a TCP server has an address");
  return address.port;
}
