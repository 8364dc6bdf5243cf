/** Nameservers join the group, leave it, or take the place of another, while everything else goes on. */
import type { NodeId } from "../../base/ids.ts";
import type { AnyCommand, MemberCommand } from "../../nameserver/command.ts";
import { keys } from "../../nameserver/keyspace.ts";
import { read } from "../../nameserver/queries/read.ts";
import { formatAddress, parseAddress } from "../../rpc/address.ts";
import { addressOf } from "./leading.ts";
import { isOpen } from "./line.ts";
import type { World } from "./world.ts";

export const memberWeights = { join: 5, leave: 4, replace: 4 };
export type MemberFault = keyof typeof memberWeights;

const PEOPLE = 98;
const MOST_MEMBERS = 6;
const LEAST_VOTERS = 3;
/** Addresses of those who come later are counted from here. */
const FIRST_PORT = 1_000;

export function isMemberFault(name: string): name is MemberFault {
  return Object.hasOwn(memberWeights, name);
}

export class MemberFaults {
  readonly #world: World;
  #port = FIRST_PORT;
  #isBusy = false;

  constructor(world: World) {
    this.#world = world;
  }

  /** False when it would leave too few, or make too many. */
  happen(name: MemberFault): boolean {
    const { dice, oracle } = this.#world;
    const { members, voters } = this.#now();
    if (this.#isBusy || members.length === 0) return false;
    const one = dice.pick(voters);
    if (name === "leave") {
      if (voters.length <= LEAST_VOTERS || one === undefined) return false;
      oracle.say(`fault: ${one} is to leave`);
      void this.#ask({ type: "setMember", node: one, role: "leaving" });
      return true;
    }
    if (members.length >= MOST_MEMBERS) return false;
    oracle.say(`fault: ${name} ${name === "replace" ? one : ""}`);
    this.#isBusy = true;
    void this.#admit(name === "replace" ? one : undefined).finally(() => {
      this.#isBusy = false;
    });
    return true;
  }

  async #admit(replaces: NodeId | undefined): Promise<void> {
    const { dice } = this.#world;
    const address = formatAddress({ host: "nameserver", port: ++this.#port });
    const role = replaces !== undefined || dice.chance(0.7) ? "voter" : "learner";
    const token = `folder ${this.#port}`;
    const asked = { ...{ address, role, token }, ...(replaces !== undefined && { replaces }) };
    const result = await this.#ask({ type: "admitMember", ...asked } as MemberCommand);
    if (result?.type !== "member") return;
    const { node } = result;
    const { voters, addresses } = this.#now();
    const all = new Map([...addresses].map(([id, place]) => [id, parseAddress(place)] as const));
    const others = voters.filter((voter) => voter !== node);
    this.#world.admit({ node, token, founders: [], voters: others, addresses: all });
  }

  /** Until somebody answers. */
  async #ask(command: AnyCommand) {
    const { line } = this.#world;
    for (let tries = 0; tries < 50; tries++) {
      const answer = await line.propose(PEOPLE, line.anyNode(), command);
      if (!isOpen(answer)) return answer instanceof Error ? undefined : answer;
      await line.sleep(100);
    }
    return undefined;
  }

  #now() {
    const { store } = this.#world.oracle;
    const members = (read(store, keys.roll())?.nodes ?? []) as readonly NodeId[];
    const rows = members.map((node) => [node, read(store, keys.member(node))] as const);
    const voters = rows.filter(([, row]) => row?.role === "voter").map(([node]) => node);
    const addresses = rows.map(
      ([node, row]) => [node, row?.address ?? formatAddress(addressOf(node))] as const,
    );
    return { members, voters, addresses };
  }
}
