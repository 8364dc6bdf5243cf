/**
 * What the fields of a message look like. A peer of another version, or a program that only knows the
 * secret, may send anything; what has the wrong shape is refused before the Raft core sees it, which
 * takes such a thing for a broken promise and stops.
 */
import { limits } from "../../base/limits.ts";
import type { Configuration } from "../../raft/configuration.ts";
import { decodeConfiguration } from "../../raft/configuration-codec.ts";
import type { Entry, StateHead } from "../../raft/entry.ts";
import type { AcceptedProposal, Message, MessageOf, Piece, Recovery } from "../../raft/message.ts";
import type { Proposal, Refusal, RefusalReason } from "../../raft/outputs.ts";

type Check = (value: unknown) => boolean;
/** All fields of a thing have theirs. */
type Fields<Thing> = { readonly [Name in keyof Thing]-?: Check };
type Envelope = "type" | "from" | "to" | "term";

const whole: Check = (value) => Number.isSafeInteger(value) && Number(value) >= 0;
const time: Check = (value) => Number.isFinite(value);
const flag: Check = (value) => typeof value === "boolean";
const bytes: Check = (value) => value instanceof Uint8Array;
const sequence: Check = (value) => whole(value) && Number(value) <= limits.sessionSequence;
const absentOr =
  (check: Check): Check =>
  (value) =>
    value === undefined || value === null || check(value);
const list =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);

function shape<Thing>(fields: Fields<Thing>): Check {
  const checks = Object.entries<Check>(fields);
  return (value) => {
    if (typeof value !== "object" || value === null) return false;
    const thing = value as Readonly<Record<string, unknown>>;
    return checks.every(([name, check]) => check(thing[name]));
  };
}

const reasons: Readonly<Record<RefusalReason, true>> = {
  ...{ busy: true, noLeader: true, transferring: true, invalid: true, unknown: true },
};
const reason: Check = (value) => typeof value === "string" && Object.hasOwn(reasons, value);
const configuration = shape<Configuration>({
  ...{ voters: list(whole), outgoing: list(whole), learners: list(whole), demoted: list(whole) },
});
const head = shape<StateHead>({ index: whole, term: whole, timeMs: time, configuration });
const piece = shape<Piece>({ id: whole, head, offset: whole, bytes, last: flag });
const proposal = shape<Proposal>({ id: whole, session: whole, sequence, data: bytes });
const accepted = shape<AcceptedProposal>({ id: whole, index: whole, term: whole });
const refused = shape<Pick<Refusal, "id" | "reason">>({ id: whole, reason });
const recovery = shape<Recovery>({ nonce: whole, target: whole });

/** Entries stand one behind the other, as a log has them. */
function followsFrom({ previousIndex, previousTerm, entries }: MessageOf<"append">): boolean {
  let term: number = previousTerm;
  return entries.every((entry: Entry, i) => {
    const follows = entry.index === previousIndex + 1 + i && entry.term >= term;
    term = entry.term;
    return follows && entry.timeMs >= 0 && entry.session >= 0 && isReadable(entry);
  });
}

function isReadable({ kind, data }: Entry): boolean {
  try {
    if (kind === "configuration") decodeConfiguration(data);
    return true;
  } catch {
    return false;
  }
}

const place = { lastIndex: whole, lastTerm: whole };
const shapes: {
  readonly [Type in Message["type"]]: Fields<Omit<MessageOf<Type>, Envelope>>;
} = {
  preVote: place,
  preVoteReply: { granted: flag },
  vote: { ...place, forced: flag },
  voteReply: { granted: flag },
  append: { previousIndex: whole, previousTerm: whole, commit: whole, entries: Array.isArray },
  appended: { index: whole },
  rejected: { previousIndex: whole, hintIndex: whole, hintTerm: whole },
  heartbeat: { commit: whole, round: whole, sentMs: time, recovery: absentOr(recovery) },
  heartbeatReply: { round: whole, sentMs: time, recovering: whole },
  commit: { commit: whole },
  stale: {},
  snapshotPiece: { piece },
  snapshotReply: { id: whole, offset: whole },
  timeoutNow: {},
  propose: { proposals: list(proposal) },
  proposeReply: { accepted: list(accepted), refused: list(refused) },
  read: { batch: whole },
  readReply: { batch: whole, index: absentOr(whole) },
};
const checks = new Map(
  Object.entries(shapes).map(([type, fields]) => [type, shape(fields as Fields<object>)] as const),
);
const envelope = shape<Pick<Message, "from" | "to" | "term">>({
  ...{ from: whole, to: whole, term: whole },
});

/** Whether this version knows messages of the type; a newer one may have more of them. */
export const isKnown = (type: string): boolean => checks.has(type);

/** Whether a message of a known type is one. */
export function isWellFormed(message: Message): boolean {
  if (!envelope(message) || checks.get(message.type)?.(message) !== true) return false;
  return message.type !== "append" || followsFrom(message);
}
