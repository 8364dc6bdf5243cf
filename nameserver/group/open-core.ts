/** Log, vote and Raft core of a nameserver, as its folder has them. */
import { hasCode, QuarryError } from "../../base/errors.ts";
import type { NodeId } from "../../base/ids.ts";
import type { HardState } from "../../raft/entry.ts";
import { Raft } from "../../raft/raft.ts";
import { defaultSettings } from "../../raft/settings.ts";
import { Log, type OpenedLog } from "../log/log.ts";
import { listSegments } from "../log/segments.ts";
import type { StateMachine } from "../state-machine.ts";
import type { ReplicaOptions } from "./replica-options.ts";
import { readVote } from "./vote-file.ts";
import { lostVote, setLogAside } from "./way-back.ts";

type Options = ReplicaOptions & { readonly node: NodeId };

/** @throws QuarryError `Damaged` when there is no way back without help. */
export async function openCore(
  options: Options,
  machine: Pick<StateMachine, "head" | "isInstalled">,
  onFailure: (failure: QuarryError) => void,
): Promise<{ readonly log: Log; readonly raft: Raft }> {
  const { disk, directory, clock, random } = options;
  const hardState = await readVote(disk, directory);
  if (hardState === undefined && options.mustExist === true && options.mayRejoin?.() === true)
    throw lostVote(directory);
  const { log, base, entries } = await openLog(options, machine, hardState, onFailure);
  const raft = new Raft({
    id: options.node,
    settings: options.settings ?? defaultSettings,
    random: () => random.u32(),
    nowMs: clock.monotonicMs(),
    hardState: await readVote(disk, directory),
    ...{ state: machine.head, base, entries },
  });
  return { log, raft };
}

async function openLog(
  options: Options,
  { head: state, isInstalled }: Pick<StateMachine, "head" | "isInstalled">,
  hardState: HardState | undefined,
  onFailure: (failure: QuarryError) => void,
): Promise<OpenedLog> {
  const { disk, directory, report } = options;
  const logOptions = { ...options, directory: `${directory}/log`, onFailure };
  try {
    if (options.mustExist === true && (await listSegments(disk, logOptions.directory)).length === 0)
      throw lostFiles(logOptions.directory);
    return await Log.open(logOptions, state, isInstalled);
  } catch (error) {
    if (!hasCode(error, "Damaged") || options.mayRejoin?.() !== true) throw error;
    const harmed = { disk, directory, state, hardState, damage: error, report };
    const entries = [...(await setLogAside(harmed))];
    const { log, base } = await Log.open(logOptions, state);
    await log.append(entries);
    return { log, base, entries };
  }
}

export const lostFiles = (directory: string) =>
  new QuarryError(
    "Damaged",
    `${directory} has lost its files; restore the nameserver's folder from a backup`,
  );
