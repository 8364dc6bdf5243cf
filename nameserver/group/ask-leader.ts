/** Asks the leader of a group something, whoever that is, and follows it. What is asked can be repeated. */
import { type Clock, sleep } from "../../base/clock.ts";
import { hasCode, QuarryError } from "../../base/errors.ts";
import type { Random } from "../../base/random.ts";
import { type Address, formatAddress, parseAddress } from "../../rpc/address.ts";
import { InterruptedCall } from "../../rpc/call.ts";
import { RpcClient } from "../../rpc/client.ts";
import { connect } from "../../rpc/connect.ts";
import type { GroupService } from "../../rpc/group-service.ts";
import { NotLeader } from "../../rpc/not-leader.ts";
import { groupTable } from "../../rpc/tables.ts";
import type { TlsIdentity } from "../../rpc/tls.ts";

const PAUSE_MS = 250;
const ANSWER_MS = 5_000;

export interface AskLeader {
  /** Some of the nameservers. */
  readonly servers: readonly Address[];
  readonly secret: Uint8Array;
  readonly tls?: TlsIdentity | undefined;
  readonly clock: Clock;
  readonly random: Random;
  /** How long a leader is looked for. */
  readonly patienceMs: number;
}

export async function askLeader<Answer>(
  { servers, secret, tls, clock, random, patienceMs }: AskLeader,
  ask: (leader: GroupService) => Promise<Answer>,
): Promise<Answer> {
  const untilMs = clock.monotonicMs() + patienceMs;
  let hinted: Address | undefined;
  for (let turn = 0; ; turn++) {
    const address = hinted ?? servers[turn % servers.length];
    hinted = undefined;
    if (address === undefined)
      throw new QuarryError("InvalidArgument", "the address of a nameserver is needed");
    await using rpc = new RpcClient({
      ...{ address, secret, clock, random, deadlineMs: ANSWER_MS },
      ...(tls && { tls }),
    });
    try {
      return await ask(connect(groupTable, rpc));
    } catch (error) {
      if (!mayAskOn(error)) throw error;
      if (clock.monotonicMs() >= untilMs) throw noAnswer(servers, error);
      if (error instanceof NotLeader && error.leader !== undefined)
        hinted = parseAddress(error.leader.address);
      await sleep(clock, PAUSE_MS);
    }
  }
}

function mayAskOn(error: unknown): boolean {
  if (error instanceof InterruptedCall) return !hasCode(error, "Protocol");
  return hasCode(error, "NotLeader", "Closed", "Unavailable", "OutcomeUnknown", "Busy", "Timeout");
}

function noAnswer(servers: readonly Address[], error: unknown): QuarryError {
  const asked = servers.map(formatAddress).join(", ");
  const why = error instanceof Error ? error.message : String(error);
  return new QuarryError(
    "Unavailable",
    `no leader answers at ${asked} (${why}). Are more than half of the nameservers running?`,
    { cause: error },
  );
}
