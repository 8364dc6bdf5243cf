/**
 * Judges what leaders order: each order carries a term, no device follows one after it has followed a
 * later leader's, and what is surplus goes only when all members of its block are there (INV-7).
 */
import type { DeviceId, Term } from "../../base/ids.ts";
import type { BlockService, Order, RetireOrder } from "../../rpc/block-service.ts";
import { filled } from "../../rpc/name-service.ts";
import type { Peer } from "./calls.ts";
import type { Machines } from "./machines.ts";
import type { Needles } from "./needles.ts";
import { withMethods } from "./planting.ts";

const ORDERS = new Set<string>([
  "createBlock",
  "remove",
  "sealBlock",
  "compact",
  "switchGeneration",
  "retire",
  "rebuild",
  "convert",
  "stage",
  "finishStage",
  "dropStage",
]);
/** By then a leader that is awake has heard that a device is away, or was wiped. */
const KNOWN_MS = 1_800;
/** What was decided before a pause may be ordered after it. */
const AWAKE_MS = 3_500;

/** Read when it is needed: some of it comes later. */
export interface OrderJudgeOptions {
  readonly needles: Needles;
  readonly machines: Machines;
  readonly agenda: { readonly nowMs: number };
  readonly oracle: { violated(what: string): void };
}

export class OrderJudge {
  readonly #of: OrderJudgeOptions;
  /** The highest that each device has followed to the end. */
  readonly #followed = new Map<DeviceId, Term>();

  constructor(of: OrderJudgeOptions) {
    this.#of = of;
  }

  /** What a nameserver orders as it orders it. */
  judging(peer: Peer, blocks: BlockService): BlockService {
    const judged = [...ORDERS].map((name) => {
      const method = Reflect.get(blocks, name) as (...args: unknown[]) => Promise<unknown>;
      return [
        name,
        (order: Order, ...rest: unknown[]) => {
          if (order.term === undefined)
            this.#of.oracle.violated(`INV-7: ${name} is ordered without a term`);
          if (name === "retire") this.#checkRetire(peer, order);
          return method(order, ...rest);
        },
      ] as const;
    });
    return withMethods(blocks, Object.fromEntries(judged) as Partial<BlockService>);
  }

  /** An order arrives; to be told when it was followed. */
  arrives(name: string, order: unknown): () => void {
    if (!ORDERS.has(name)) return () => undefined;
    const { device, term, block } = order as Order;
    if (term === undefined) return () => undefined;
    const before = this.#followed.get(device) ?? 0;
    return () => {
      if (term < before)
        this.#of.oracle.violated(
          `INV-7: ${device} follows ${name} of block ${block} in term ${term} after one of ${before}`,
        );
      if (term > (this.#followed.get(device) ?? 0)) this.#followed.set(device, term);
    };
  }

  #checkRetire({ process }: Peer, { block, surplus, device }: RetireOrder): void {
    const { needles, machines, agenda } = this.#of;
    const row = needles.names.row(block);
    if (surplus !== true || row === undefined || process.wasPausedWithin(AWAKE_MS)) return;
    const members = filled(row.members);
    if (members.includes(device))
      this.#of.oracle.violated(`INV-7: member ${device} of ${block} is to retire`);
    for (const member of members) {
      const awaySinceMs = needles.goneSinceMs(member) ?? machines.of(member)?.awaySinceMs;
      if (awaySinceMs === undefined || agenda.nowMs - awaySinceMs < KNOWN_MS) continue;
      this.#of.oracle.violated(
        `INV-7: ${device} is to let go of block ${block} while its member ${member} is away`,
      );
    }
  }
}
