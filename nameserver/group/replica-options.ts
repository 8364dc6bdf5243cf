/** What a nameserver's share of the group is opened with. */
import type { NodeId } from "../../base/ids.ts";
import type { Configuration } from "../../raft/configuration.ts";
import type { Message } from "../../raft/message.ts";
import type { Settings } from "../../raft/settings.ts";
import type { LogOptions } from "../log/log.ts";
import type { StateFolder } from "../state-folder.ts";
import type { RunObserver } from "../state-machine.ts";
import type { Change } from "../state-store.ts";

export interface ReplicaOptions extends Omit<LogOptions, "onFailure" | "directory"> {
  /** Holds the log in `log/`, and the vote. */
  readonly directory: string;
  /** Owned from here on. */
  readonly store: StateFolder;
  readonly report: (message: string) => void;
  readonly onChanges?: (changes: readonly Change[]) => void;
  /** Told before they are written: readers of the state may see them from now on. */
  readonly onChanging?: (changes: readonly Change[]) => void;
  /** Is told of what every command changes. */
  readonly observer?: RunObserver;
  /** More was applied, perhaps a change of the configuration. */
  readonly onApplied?: () => void;
  /** The state was replaced by the leader's. */
  readonly onReplaced?: () => void;
  readonly checkpointBytes?: number;
  readonly settings?: Settings;
  /** Which member this is, and who founds the group. Default: a group of one. */
  readonly node?: NodeId;
  readonly founders?: Configuration;
  /** The folder was used before: a log without files is damage. */
  readonly mustExist?: boolean;
  /** There are others who hold what this one may have lost: it goes on without a vote (way-back.ts). */
  readonly mayRejoin?: () => boolean;
  /** Carries messages to the others; may lose them. */
  readonly send?: (messages: readonly Message[]) => void;
  /**
   * Resolves when all members have said which version they run, or take too long: of a group that was
   * just founded that is known within moments.
   */
  readonly levelsHeard?: () => Promise<void>;
}
