/** The way of a client to one nameserver, over the simulated network. */

import type { Line as ToNameserver } from "../../client/leader.ts";
import type { Address } from "../../rpc/address.ts";
import { InterruptedCall } from "../../rpc/call.ts";
import { methodsOf } from "../../rpc/service-table.ts";
import { nameTable } from "../../rpc/tables.ts";
import type { Peer } from "./calls.ts";
import { portOf } from "./leading.ts";
import type { Line } from "./line.ts";

const DEADLINE_MS = 1_500;
type Method = (...args: unknown[]) => Promise<unknown>;

export function nameLine(line: Line, { id, process }: Peer, address: Address): ToNameserver {
  const to = line.nodeOn(portOf(address));
  const call = (name: string, args: unknown[]): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const end = (code: "Timeout" | "Unavailable", mayHaveExecuted: boolean) =>
        reject(new InterruptedCall(code, `${to} gave no answer`, mayHaveExecuted));
      const timer = process.after(DEADLINE_MS, () => end("Timeout", true));
      const answer = (tell: () => void) =>
        line.network.carry(
          to,
          id,
          () => {
            timer.cancel();
            tell();
          },
          true,
        );
      const deliver = () => {
        const node = line.nodeAt(to);
        const life = node?.process;
        if (life === undefined) answer(() => end("Unavailable", false));
        life?.enter(() => {
          const method = (node?.names as unknown as Record<string, Method> | undefined)?.[name];
          if (method === undefined) return answer(() => end("Unavailable", false));
          const ifAlive = (tell: () => void) => {
            if (life.isAlive) answer(tell);
          };
          method(...args).then(
            (said) => ifAlive(() => resolve(said)),
            (error: unknown) => ifAlive(() => reject(error)),
          );
        });
      };
      line.network.carry(id, to, deliver, true);
    });
  const methods = methodsOf(nameTable).map(
    ({ name }) => [name, (...args: unknown[]) => call(name, args)] as const,
  );
  return { methods: Object.fromEntries(methods), members: async () => [], close: () => undefined };
}
