/** The answer of a nameserver that does not lead; it says who does, if it knows. */
import { QuarryError } from "../base/errors.ts";
import type { NodeId } from "../base/ids.ts";

export interface Leader {
  readonly node: NodeId;
  /** host:port. */
  readonly address: string;
}

/** What was asked for did not happen: it is safe to ask the leader. */
export class NotLeader extends QuarryError {
  readonly leader: Leader | undefined;
  constructor(message: string, leader: Leader | undefined) {
    super("NotLeader", message);
    this.leader = leader;
  }
}

/** The fields of a failure behind its code and message. */
export function leaderFrom(details: readonly unknown[]): Leader | undefined {
  const [node, address] = details;
  return Number.isSafeInteger(node) && typeof address === "string"
    ? { node: node as NodeId, address }
    : undefined;
}
