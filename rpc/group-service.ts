/** What nameservers of one group tell each other, and what they say about themselves. */
import type { LogIndex, NodeId, Term } from "../base/ids.ts";

/** How one nameserver stands in its group. */
export interface MemberStatus {
  readonly node: NodeId;
  readonly role: "follower" | "preCandidate" | "candidate" | "leader";
  readonly term: Term;
  /** 0 while none is known. */
  readonly leader: NodeId;
  readonly commit: LogIndex;
  readonly lastIndex: LogIndex;
  /** Index of the last entry in the state, and the state's digest there: equal on all members. */
  readonly applied: LogIndex;
  readonly digest: string;
  readonly voters: readonly NodeId[];
  readonly learners: readonly NodeId[];
  /** Of a leader: how far everybody else's log is known to agree. */
  readonly peers: readonly { readonly node: NodeId; readonly match: LogIndex }[];
}

export interface GroupService {
  /**
   * Messages of Raft, packed (nameserver/group/message-codec.ts). The answer says only that they were
   * taken; what becomes of them is for Raft to find out.
   */
  deliver(batch: Uint8Array): Promise<void>;
  status(): Promise<MemberStatus>;
}
