/**
 * The way back of a member that finds its folder harmed, when others hold what it lost: what is
 * harmed is set aside, what is good is kept, and it goes on without a vote until it holds again all
 * that counts (raft/README.md, "A damaged log"). Its term and vote must be whole.
 */
import type { Disk } from "../../base/disk.ts";
import { QuarryError } from "../../base/errors.ts";
import type { Entry, HardState, StateHead } from "../../raft/entry.ts";
import { goodEntries } from "../log/segments.ts";
import { setAside } from "../set-aside.ts";
import { writeVote } from "./vote-file.ts";

export interface HarmedLog {
  readonly disk: Disk;
  /** Of the nameserver; the log is in `log/`. */
  readonly directory: string;
  readonly state: StateHead;
  readonly hardState: HardState | undefined;
  readonly damage: QuarryError;
  readonly report: (message: string) => void;
}

/** Sets the log aside; what goes on behind the state, and is whole, comes back for the new one. */
export async function setLogAside(harmed: HarmedLog): Promise<readonly Entry[]> {
  const { disk, directory, state, hardState, damage, report } = harmed;
  if (hardState === undefined) throw lostVote(directory);
  // First of all: whatever happens on the way, it does not vote.
  await writeVote(disk, directory, { ...hardState, mustNotVote: true });
  const log = `${directory}/log`;
  const good = await goodEntries(disk, log, state);
  const aside = await setAside(disk, log, `${directory}/damaged-log`, isFile);
  report(
    `${whatOf(damage)}. The log is set aside in ${aside}; this nameserver goes on from entry ${state.index + good.length} on what it has, gets the rest from the others, and does not vote until it is there`,
  );
  return good.filter(({ term }) => term <= hardState.term);
}

const isFile = (name: string) => /^([0-9a-f]{8}\.qlog|newest)(\.new)?$/.test(name);

/** The damage without the advice that is meant for a nameserver alone. */
export const whatOf = ({ message }: QuarryError) =>
  message.replace(/[.;] (Nothing was changed; )?restore .*$/, "");

export const lostVote = (directory: string) =>
  new QuarryError(
    "Damaged",
    `${directory}/vote is gone: this nameserver cannot know whom it voted for. Remove it from the group (quarry admin nameserver remove) and join with a new folder`,
  );
