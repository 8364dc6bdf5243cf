/** Clients that know one nameserver alone: what it answers while it is cut off, and just after. */
import { setTimeout as sleep } from "node:timers/promises";
import { Dice } from "../../raft/testing/dice.ts";
import type { NameserverGroup } from "../nameserver-group.ts";
import type { GroupLoad } from "./group-load.ts";
import { NameRegisters } from "./registers.ts";

/** They wait for an answer so much longer than the fault lasts, and go on asking so long after it. */
const PATIENCE_MS = 10_000;
const AFTER_MS = 1_500;

/** Begins at some moment of the fault; tells how much was answered. */
export async function askAlone(
  group: NameserverGroup,
  node: number,
  load: GroupLoad,
  { client, whileMs }: { readonly client: number; readonly whileMs: number },
): Promise<number> {
  const dice = new Dice(load.dice.u32());
  const { rpc, names } = group.alone(node, whileMs + PATIENCE_MS);
  const registers = new NameRegisters(names);
  const untilMs = performance.now() + whileMs + AFTER_MS;
  await sleep(dice.between(0, whileMs));
  let answered = 0;
  while (performance.now() < untilMs && !load.isOver) {
    const asked = dice.chance(0.9)
      ? load.shared.readAny(client, registers, dice)
      : load.shared.writeAny(client, registers, dice);
    if (await asked) answered++;
    await sleep(dice.between(1, 20));
  }
  rpc.close();
  return answered;
}
