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
  /** It lost entries that it may have acknowledged, and has no vote until it holds them again. */
  readonly isRecovering: boolean;
  /** Of the snapshot that it is receiving: so far. */
  readonly receivedBytes: number | undefined;
  /** Who the members are and shall be, as the state says; empty while it does not. */
  readonly members: readonly MemberPlace[];
  /** Numbers below were all given; those that are no members are gone for good. 0: not known. */
  readonly nextNode: number;
  /** What it understands of the log (base/version.ts), and its software. Absent: an earlier version. */
  readonly level?: number;
  readonly version?: string;
  /** What the group makes use of: all members understood it once. */
  readonly groupLevel?: number;
  /** Of a leader: how everybody else stands. */
  readonly peers: readonly PeerStatus[];
}

export interface PeerStatus {
  readonly node: NodeId;
  /** How far its log is known to agree. */
  readonly match: LogIndex;
  /** `snapshot`: it is being sent the state. */
  readonly state: "probe" | "replicate" | "snapshot";
  /** Since it was last heard. */
  readonly silentMs: number;
  readonly isRecovering: boolean;
}

export interface MemberPlace {
  readonly node: NodeId;
  /** host:port. */
  readonly address: string;
  /** What it shall be; the lists of voters and learners say what it is. */
  readonly role: "voter" | "learner" | "leaving";
}

/** Asks for a number in the group. */
export interface Admission {
  /** Where the new nameserver will be reached, host:port. */
  readonly address: string;
  readonly role: "voter" | "learner";
  /** Of the folder, so that asking twice gives one number. Absent: whoever comes for the address. */
  readonly token?: string;
  /** Goes when the new one has come. */
  readonly replaces?: NodeId;
  /** What it understands of the log. Absent: it is of an earlier version. */
  readonly level?: number;
}

export interface Admitted {
  readonly node: NodeId;
  readonly members: readonly MemberPlace[];
}

export interface MemberChange {
  readonly node: NodeId;
  readonly role?: MemberPlace["role"];
  readonly address?: string;
  /** Also when the group may stand still then. */
  readonly force?: boolean;
}

export type Exchanged =
  | { readonly kind: "messages"; readonly batch: Uint8Array }
  | { readonly kind: "nothing" };

export interface GroupService {
  /**
   * Messages of Raft, packed (nameserver/group/message-codec.ts). The answer says only that they were
   * taken; what becomes of them is for Raft to find out.
   */
  deliver(batch: Uint8Array): Promise<void>;
  /** The same; the answer, which may be held back for a moment, brings messages to who sent these. */
  exchange(batch: Uint8Array): Promise<Exchanged>;
  status(): Promise<MemberStatus>;
  /** Only the leader answers these; others with `NotLeader`. What was asked for is decided then. */
  admit(admission: Admission): Promise<Admitted>;
  /** The leader goes on to bring it about. Refused when too few voters would be left that answer. */
  changeMember(change: MemberChange): Promise<void>;
  /** Hands leadership over, to this member or to the best; tells to whom it went. */
  transfer(to: NodeId | undefined): Promise<NodeId>;
}
