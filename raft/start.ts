/** A node as its owner found it on the disk. */
import { assert } from "../base/errors.ts";
import type { LogIndex } from "../base/ids.ts";
import { ConfigurationHistory } from "./configuration-history.ts";
import { type Core, putOffElection } from "./core.ts";
import { NO_INDEX, NO_TERM, NOBODY, type StateHead } from "./entry.ts";
import { Forwarding } from "./forwarding.ts";
import { Outbox } from "./outbox.ts";
import { Persistence } from "./persistence.ts";
import { RaftLog } from "./raft-log.ts";
import { rules } from "./rules.ts";
import type { Start } from "./settings.ts";

export function startCore(start: Start): Core {
  const { id, settings, random, state, nowMs } = start;
  checkSettings(start);
  const stored = start.hardState ?? { term: NO_TERM, vote: NOBODY, mustNotVote: false };
  const log = new RaftLog(start.base);
  for (const entry of start.entries) log.append(entry);
  assert(start.base.index <= state.index, "the log begins where the state ends, or before");
  assert(log.lastTerm <= stored.term, "term and vote are those that belong to the log");
  const persistence = new Persistence(log);
  // A crash came between installing a state and emptying the log that it replaced.
  if (log.termAt(state.index) !== state.term) {
    log.reset(state);
    persistence.stageReset(state);
  }
  // A state can become durable before the term in which it came; in that one no vote was given yet.
  const isBehind = stored.term < state.term;
  const hardState = isBehind ? { ...stored, term: state.term, vote: NOBODY } : stored;
  if (isBehind) persistence.stageHardState(hardState);
  const core: Core = {
    id,
    settings,
    rules: start.rules ?? rules,
    random,
    log,
    configurations: historyOf(log, state),
    persistence,
    outbox: new Outbox(),
    forwarding: new Forwarding(random),
    now: { steadyMs: nowMs, wallMs: 0 },
    term: hardState.term,
    vote: hardState.vote,
    role: { kind: "follower", leader: NOBODY },
    commit: state.index,
    handedOut: state.index,
    verified: NO_INDEX,
    acknowledgementDue: false,
    heardMs: -Infinity,
    patienceMs: 0,
    electionDueMs: 0,
    recovering: hardState.mustNotVote ? { nonce: random() + 1, target: undefined } : undefined,
    receiving: undefined,
  };
  if (mayHavePromised(core)) core.heardMs = nowMs;
  putOffElection(core);
  return core;
}

function checkSettings({ settings, id }: Start): void {
  const { electionMs, heartbeatMs, clockDrift } = settings;
  assert(id !== NOBODY, "a node has an id");
  assert(heartbeatMs > 0 && heartbeatMs * 2 <= electionMs, "heartbeats come often enough");
  assert(clockDrift >= 0 && clockDrift < 0.5, "the drift of a clock is a small share");
}

function historyOf(log: RaftLog, state: StateHead): ConfigurationHistory {
  const history = new ConfigurationHistory(state);
  if (log.lastIndex > state.index)
    for (const entry of log.slice((state.index + 1) as LogIndex, log.lastIndex))
      history.appended(entry);
  return history;
}

/** Before a crash this node may have heard a leader, which relies on its patience for a lease. */
function mayHavePromised({ settings, rules, configurations, id }: Core): boolean {
  if (settings.reads !== "lease" || !rules.startsPatient) return false;
  const { voters, outgoing } = configurations.current;
  return voters.length !== 1 || voters[0] !== id || outgoing.length > 0;
}
