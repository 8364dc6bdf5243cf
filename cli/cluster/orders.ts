/** What can be asked of a running cluster: one grammar for its prompt and for another terminal. */
import { Command, InvalidArgumentError } from "commander";
import { limits } from "../../base/limits.ts";
import { parseSize } from "../objects/printable.ts";
import type { Kind } from "./plan.ts";

export type PlainOrder =
  | "kill"
  | "stop"
  | "start"
  | "pause"
  | "resume"
  | "relieve"
  | "drain"
  | "undrain"
  | "forget";

export type Order =
  | { readonly type: PlainOrder; readonly member: string }
  | {
      readonly type: "corrupt";
      readonly member: string;
      readonly flips: number;
      readonly seed: number;
    }
  | { readonly type: "fill"; readonly member: string; readonly freeBytes: number }
  | { readonly type: "add"; readonly kind: Kind; readonly rack?: string };

export type Act = (order: Order) => Promise<void>;

const plain: Readonly<Record<PlainOrder, string>> = {
  kill: "end a member at once, as a crash would; it stays away until it is started, and what a dataserver held is made anew elsewhere when it is away for long",
  stop: "end a member in order",
  start: "start a member that does not run",
  pause: "let a member stand still",
  resume: "let a paused member go on",
  relieve: "take away what fill put on the disk of a dataserver",
  drain: "mark a dataserver out: what it holds moves to the others, nothing new is put on it",
  undrain: "mark it in again: its share moves back",
  forget: "take a member that does not run, and is needed no more, from the list; its folder stays",
};

export function orderCommands(act: Act): Command[] {
  const names = Object.keys(plain) as PlainOrder[];
  return [
    ...names.map((type) =>
      new Command(type)
        .description(plain[type])
        .argument("<member>", "such as ns1, ds3 or gw1")
        .action((member: string) => act({ type, member })),
    ),
    corruptCommand(act),
    fillCommand(act),
    addCommand(act),
  ];
}

const corruptCommand = (act: Act) =>
  new Command("corrupt")
    .description("flip bits in the blocks of a dataserver, running or not")
    .argument("<member>", "such as ds3")
    .option("--flips <n>", "how many", whole(1, limits.clusterFlips), 1)
    .option("--seed <n>", "which ones: the same for the same blocks", whole(0, 2 ** 32 - 1), 1)
    .action((member: string, { flips, seed }: { flips: number; seed: number }) =>
      act({ type: "corrupt", member, flips, seed }),
    );

const fillCommand = (act: Act) =>
  new Command("fill")
    .description("let the disk of a dataserver look full (no real room is used)")
    .argument("<member>", "such as ds3")
    .option("--free <size>", "what is left free", parseSize, 0)
    .action((member: string, { free }: { free: number }) =>
      act({ type: "fill", member, freeBytes: free }),
    );

const addCommand = (act: Act) =>
  new Command("add")
    .description("one member more")
    .argument("<kind>", "nameserver, dataserver or gateway", kindFrom)
    .option("--rack <name>", "of a dataserver; default: where fewest are")
    .action((kind: Kind, { rack }: { rack?: string }) =>
      act({ type: "add", kind, ...(rack !== undefined && { rack }) }),
    );

function kindFrom(text: string): Kind {
  if (text === "nameserver" || text === "dataserver" || text === "gateway") return text;
  throw new InvalidArgumentError("It is nameserver, dataserver or gateway.");
}

export function whole(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It is a whole number from ${least} to ${most}.`);
  };
}
