/** One call over the simulated network: with a deadline, and an end when the other side dies. */
import { InvariantError, QuarryError } from "../../base/errors.ts";
import type { Dice } from "../../raft/testing/dice.ts";
import { InterruptedCall } from "../../rpc/call.ts";
import type { SimProcess } from "./process.ts";
import type { SimNetwork } from "./sim-network.ts";

/** Who asks. */
export interface Peer {
  /** On the network. */
  readonly id: number;
  readonly process: SimProcess;
}

/** Who is asked, in whatever life it is then. */
export interface Asked<Service> {
  readonly id: number;
  readonly name: string;
  readonly process: SimProcess | undefined;
  /** Undefined while it starts. */
  readonly service: Service | undefined;
}

export interface Ways {
  readonly network: SimNetwork;
  readonly dice: Dice;
  readonly violated: (what: string) => void;
}

export interface CallTerms {
  readonly deadlineMs: number;
  /** Connections do not repeat; orders of a leader that is repeated may come twice. */
  readonly once: boolean;
}

export function call<Service, Answer>(
  ways: Ways,
  peer: Peer,
  to: Asked<Service>,
  terms: CallTerms,
  run: (service: Service) => Promise<Answer>,
): Promise<Answer> {
  const { network, dice } = ways;
  return new Promise((resolve, reject) => {
    const end = (code: "Timeout" | "Unavailable", mayHaveExecuted: boolean) =>
      reject(new InterruptedCall(code, `${to.name} gave no answer`, mayHaveExecuted));
    const timer = peer.process.after(terms.deadlineMs, () => end("Timeout", true));
    const tell = () => timer.cancel();
    const answer = (say: () => void) =>
      network.carry(to.id, peer.id, () => peer.process.enter(() => [tell(), say()]), true);
    const deliver = () => {
      const life = to.process;
      const { service } = to;
      // Where nothing listens a connection is mostly refused.
      if (life === undefined || service === undefined) {
        if (dice.chance(0.7)) answer(() => end("Unavailable", false));
        return;
      }
      life.enter(() => {
        const ifAlive = (say: () => void) => {
          if (life.isAlive) answer(say);
        };
        run(service).then(
          (said) => ifAlive(() => resolve(said)),
          (error: unknown) => {
            if (life.isAlive && isBroken(error)) ways.violated(`${to.name}: ${told(error)}`);
            ifAlive(() => reject(error));
          },
        );
      });
    };
    network.carry(peer.id, to.id, deliver, terms.once);
  });
}

const isBroken = (error: unknown) =>
  !(error instanceof QuarryError) || error instanceof InvariantError;

export const told = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);
