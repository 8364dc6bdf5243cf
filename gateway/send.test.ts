import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { systemClock } from "../base/clock.ts";
import { Exchange } from "./exchange.ts";
import { sendAnswer } from "./send.ts";

test("between two pieces of an answer all others have their turn", async () => {
  let turns = 0;
  const clock = {
    ...systemClock,
    endOfTurn: async () => {
      turns++;
      await systemClock.endOfTurn?.();
    },
  };
  const gateway = { hostId: "", region: "here", closing: false };
  const seen: number[] = [];
  async function* pieces() {
    for (let i = 0; i < 5; i++) {
      seen.push(turns);
      yield Buffer.alloc(100, i);
    }
  }
  await using server = createServer((request, response) => {
    const exchange = new Exchange(request, response, "1", gateway, clock);
    const body = { kind: "bytes", lengthBytes: 500, bytes: pieces() } as const;
    sendAnswer(exchange, { status: 200, headers: {}, body }).catch((error: unknown) => {
      response.destroy(error instanceof Error ? error : undefined);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const answer = Buffer.from(await (await fetch(`http://127.0.0.1:${port}/`)).arrayBuffer());
  expect(answer.equals(Buffer.concat([0, 1, 2, 3, 4].map((i) => Buffer.alloc(100, i))))).toBe(true);
  expect(seen).toEqual([0, 1, 2, 3, 4]);
});
