/** Ports that a cluster chooses once and keeps. */
import { createServer } from "node:net";
import type { Random } from "../../base/random.ts";

/** Systems take the near ends of connections from above, so no such end is in the way of a restart. */
const PORTS = { first: 10_000, count: 22_000 } as const;

/** A port of 127.0.0.1 that nobody listens at, drawn so that two who draw hardly meet. */
export async function drawPort(random: Random, taken: ReadonlySet<number>): Promise<number> {
  for (;;) {
    const port = PORTS.first + (random.u32() % PORTS.count);
    if (!taken.has(port) && (await isFree(port))) return port;
  }
}

export async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const free = await new Promise<boolean>((tried) => {
    server.once("error", () => tried(false));
    server.listen(port, "127.0.0.1", () => tried(true));
  });
  if (free) await new Promise((closed) => server.close(closed));
  return free;
}
