/** How a client talks to a nameserver: over the network, with a time after which it waits no more. */
import { hasCode, QuarryError } from "../../base/errors.ts";
import type { NodeId } from "../../base/ids.ts";
import type { AnyCommand, AnyResult } from "../../nameserver/command.ts";
import type { StateReader } from "../../nameserver/group/group.ts";
import type { Replica } from "../../nameserver/group/replica.ts";
import type { Agenda } from "../../raft/testing/agenda.ts";
import type { Dice } from "../../raft/testing/dice.ts";
import type { Oracle } from "./oracle.ts";
import type { SimNetwork } from "./sim-network.ts";
import type { SimNode, Surroundings } from "./sim-node.ts";

const TIMEOUT_MS = 1_500;

/** No answer, or one that does not tell: it may have happened, or may happen yet. */
export type Open = { readonly isOpen: true };
const ofTheMoment = ["NotLeader", "OutcomeUnknown", "DiskFailed", "Damaged"] as const;
const OPEN: Open = { isOpen: true };
export const isOpen = (answer: unknown): answer is Open => answer === OPEN;

export class Line {
  readonly dice: Dice;
  readonly ports: Map<number, NodeId> = new Map();
  readonly #agenda: Agenda;
  readonly #around: Surroundings;
  readonly #nodes: () => readonly SimNode[];
  readonly #oracle: Oracle;

  get network(): SimNetwork {
    return this.#around.network;
  }

  get nodes(): readonly NodeId[] {
    return this.#nodes()
      .filter(({ isLost }) => !isLost)
      .map(({ id }) => id);
  }

  /** Founders have their number as port; who came later has the port it asked for. */
  nodeOn(port: number): NodeId {
    return this.ports.get(port) ?? (port as NodeId);
  }

  nodeAt(id: NodeId): SimNode | undefined {
    return this.#around.nodeAt(id);
  }

  constructor(around: Surroundings, nodes: () => readonly SimNode[]) {
    this.dice = around.dice;
    this.#agenda = around.agenda;
    this.#around = around;
    this.#oracle = around.oracle;
    this.#nodes = nodes;
  }

  get nowMs(): number {
    return this.#agenda.nowMs;
  }

  sleep(delayMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#agenda.after(delayMs, resolve);
    });
  }

  anyNode(): NodeId {
    return this.dice.pick(this.nodes) ?? (1 as NodeId);
  }

  /** The result, or the refusal of the command by the state. */
  async propose(
    client: number,
    to: NodeId,
    command: AnyCommand,
  ): Promise<AnyResult | QuarryError | Open> {
    return await this.#ask<AnyResult | QuarryError>(client, to, async (replica) => {
      const answer = replica.propose(command);
      if (this.#around.flaw.answersEarly !== true) return await answer;
      answer.catch(() => undefined);
      return { type: "done" };
    });
  }

  async read<T>(
    client: number,
    to: NodeId,
    query: (state: StateReader) => Promise<T>,
  ): Promise<T | Open> {
    const answer = await this.#ask<T | QuarryError>(client, to, async (replica) => {
      if (this.#around.flaw.readsAtOnce !== true) await replica.readBarrier();
      return await query(replica.state);
    });
    return answer instanceof QuarryError ? OPEN : answer;
  }

  #ask<T>(
    client: number,
    to: NodeId,
    ask: (replica: Replica) => Promise<T>,
  ): Promise<T | QuarryError | Open> {
    const { network, nodeAt } = this.#around;
    return new Promise((resolve) => {
      this.#agenda.after(TIMEOUT_MS, () => resolve(OPEN));
      const deliver = () => {
        const node = nodeAt(to);
        const process = node?.process;
        process?.enter(() => {
          if (node?.replica === undefined) return;
          const answer = (said: T | QuarryError | Open) => {
            if (process.isAlive) network.carry(to, client, () => resolve(said), true);
          };
          ask(node.replica).then(answer, (error: unknown) => answer(this.#judged(error)));
        });
      };
      network.carry(client, to, deliver, true);
    });
  }

  /** A refusal by the state is an answer; one by the moment leaves it open. */
  #judged(error: unknown): QuarryError | Open {
    if (!(error instanceof QuarryError)) {
      this.#oracle.violated(`a client was told ${String(error)}`);
      return OPEN;
    }
    return error.retry === "later" || hasCode(error, ...ofTheMoment) ? OPEN : error;
  }
}
