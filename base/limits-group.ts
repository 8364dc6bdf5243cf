/** Maxima of Raft and of a group of nameservers: a part of `limits`. Bytes and milliseconds. */

const MiB = 1024 * 1024;

export const groupLimits = {
  /** While an earlier version may be among the members a leader asks what they know this often. */
  levelAskMs: 2_000,
  /** … and those again of which some did not answer. */
  levelRetryMs: 200,
  /** So long a command of a later version waits until all nameservers have said which they run. */
  levelHeardMs: 5_000,
  /** Voters and learners of one group together. */
  raftMembers: 32,
  /** What an entry is reckoned to cost beside its data. */
  raftEntryOverheadBytes: 128,
  /** Entries of one append message, unless a single one is larger. */
  raftAppendBytes: 1 * MiB,
  raftAppendEntries: 1024,
  /** Appends on their way to one follower, unacknowledged. */
  raftInflightAppends: 64,
  raftInflightBytes: 16 * MiB,
  /** Entries that the leader has and that are not committed; more proposals are told to wait. */
  raftUncommittedBytes: 32 * MiB,
  raftUncommittedEntries: 16_384,
  /** Proposals that a follower has sent to the leader, unanswered. */
  raftForwarded: 4096,
  raftForwardedBytes: 16 * MiB,
  /** Committed entries handed out at once. */
  raftCommittedEntries: 1024,
  /** Writes that the owner has not reported durable. */
  raftPersists: 4096,
  /** Reads that wait for a confirmation, and confirmations under way. */
  raftReads: 16_384,
  raftReadRounds: 2,
  /** Log that is kept for followers that lag, though the state no longer needs it. */
  raftRetainBytes: 64 * MiB,
  /** A learner may become a voter when it lacks at most this many entries. */
  raftPromotionLag: 1024,
  raftSnapshotPieceBytes: 1 * MiB,
  /** Messages that wait for the connection to one other member; what comes on top is lost. */
  groupQueuedBytes: 32 * MiB,
  groupQueuedMessages: 8192,
  /** Messages that travel together, unless a single one is larger; such batches on their way to one. */
  groupBatchBytes: 1 * MiB,
  groupBatches: 4,
  /** How long an answer to another member waits for what there is to say to it. */
  groupHeldMs: 20,
  groupDeliverMs: 3_000,
  /** What may wait to be applied before a member takes no more; when a write to its log hangs. */
  groupUnappliedBytes: 64 * MiB,
  groupStallMs: 3_000,
  /** Folders with harmed files that are kept for people to look at, of the log and of the state. */
  damagedKept: 2,
  /** A member without a leader asks the others whether it was removed; who joins asks for a number. */
  groupLonelyMs: 3_000,
  groupJoinMs: 60_000,
  /** How long a client looks for the leader. */
  leaderPatienceMs: 15_000,
  /** A nameserver that is asked and silent is pinged this often; given up after `rpcPings` in vain. */
  leaderPingMs: 400,
  /** How long a leader that is deposed waits to hear what became of the changes it had taken on. */
  groupFateMs: 2_000,
  /** How long a nameserver that closes waits for what is not decided yet, and to hand leadership over. */
  groupDrainMs: 2_000,
  groupHandOverMs: 3_000,
} as const;
