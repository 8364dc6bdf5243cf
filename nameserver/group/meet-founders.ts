/** Asks all other founders of a group until every one has noted this folder, and it theirs. */
import { type Clock, sleep } from "../../base/clock.ts";
import { hasCode, QuarryError } from "../../base/errors.ts";
import type { NodeId } from "../../base/ids.ts";
import type { Random } from "../../base/random.ts";
import { type Address, formatAddress } from "../../rpc/address.ts";
import { InterruptedCall } from "../../rpc/call.ts";
import { RpcClient } from "../../rpc/client.ts";
import { connect } from "../../rpc/connect.ts";
import { foundingTable } from "../../rpc/tables.ts";
import type { TlsIdentity } from "../../rpc/tls.ts";
import type { Founding } from "./founding.ts";

const PAUSE_MS = 200;
const ANSWER_MS = 2_000;
/** Those that are not there yet are named after so long. */
const SAY_MS = 2_000;

export interface MeetFounders {
  readonly founding: Founding;
  readonly addresses: ReadonlyMap<NodeId, Address>;
  readonly secret: Uint8Array;
  readonly tls?: TlsIdentity;
  readonly clock: Clock;
  readonly random: Random;
  readonly say: (line: string) => void;
}

/** @throws QuarryError `InvalidArgument` when one of them knows better, `Protocol` for a wrong secret. */
export async function meetFounders(options: MeetFounders): Promise<void> {
  const { founding, addresses, clock, say } = options;
  const missing = new Map(addresses);
  missing.delete(founding.own.node);
  const sayMs = clock.monotonicMs() + SAY_MS;
  for (let said = false; missing.size > 0; ) {
    await Promise.all(
      [...missing].map(async ([node, address]) => {
        if (await meet(options, node, address)) missing.delete(node);
      }),
    );
    if (missing.size === 0) return;
    if (!said && clock.monotonicMs() >= sayMs) {
      said = true;
      const names = [...missing].map(([node, at]) => `${node} at ${formatAddress(at)}`).join(", ");
      say(`a group begins when all that found it are there: waiting for nameserver ${names} …`);
    }
    await sleep(clock, PAUSE_MS);
  }
}

async function meet(options: MeetFounders, node: NodeId, address: Address): Promise<boolean> {
  const { founding, secret, tls, clock, random } = options;
  await using rpc = new RpcClient({
    ...{ address, secret, clock, random, deadlineMs: ANSWER_MS },
    ...(tls && { tls }),
  });
  try {
    const other = await connect(foundingTable, rpc).meet(founding.own);
    if (other.node !== node)
      throw new QuarryError(
        "InvalidArgument",
        `at ${formatAddress(address)} is nameserver ${other.node}, not ${node}: check --peers`,
      );
    await founding.meet(other);
    return true;
  } catch (error) {
    const isAway = error instanceof InterruptedCall && !hasCode(error, "Protocol");
    if (isAway || hasCode(error, "Closed", "Unavailable", "Timeout", "Busy")) return false;
    throw error;
  }
}
