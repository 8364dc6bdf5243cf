/** Checks the folders of a store that does not run, and changes nothing that it holds. */
import type { Clock } from "../../base/clock.ts";
import type { Disk } from "../../base/disk.ts";
import { QuarryError } from "../../base/errors.ts";
import { readIdentity } from "../../base/identity.ts";
import { type AuditResult, auditState } from "../../nameserver/audit/audit-state.ts";
import { readMember } from "../../nameserver/group/member-file.ts";
import { readVote } from "../../nameserver/group/vote-file.ts";
import { readSegments } from "../../nameserver/log/segments.ts";
import { StateFolder } from "../../nameserver/state-folder.ts";
import { LevelState } from "../../nameserver/state-level.ts";
import { RUN_ENTRIES, StateMachine } from "../../nameserver/state-machine.ts";
import type { Entry } from "../../raft/entry.ts";
import { type CrossCheck, crossCheck } from "./cross-check.ts";
import { deviceFolder, inspectDevices } from "./devices.ts";
import type { OnFinding } from "./finding.ts";

export interface FsckOptions {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly directories: readonly string[];
  readonly onFinding: OnFinding;
  readonly onStep: (text: string) => void;
}

export interface Checked {
  readonly nameserver: string | undefined;
  readonly devices: readonly string[];
  /** Undefined when the metadata cannot be opened, or are not among the folders. */
  readonly audit: AuditResult | undefined;
  readonly check: CrossCheck | undefined;
  /** Of the log: entries, and how many of them the state did not have yet. */
  readonly log: { readonly entries: number; readonly ahead: number } | undefined;
  readonly findings: number;
}

/** @throws QuarryError `Locked` while a server runs. */
export async function fsck(options: FsckOptions): Promise<Checked> {
  const { disk, onStep } = options;
  let findings = 0;
  const onFinding: OnFinding = (finding) => {
    findings++;
    options.onFinding(finding);
  };
  const { nameserver, devices } = await foldersOf(options);
  await using locks = new AsyncDisposableStack();
  for (const folder of [...(nameserver === undefined ? [] : [nameserver]), ...devices])
    locks.use(await disk.lock(folder));
  if (devices.length > 0) onStep(`reading ${devices.join(", ")} …`);
  const found = await inspectDevices(disk, devices, () => undefined, onFinding);
  if (nameserver === undefined)
    return { nameserver, devices, audit: undefined, check: undefined, log: undefined, findings };
  onStep(`reading ${nameserver} …`);
  const problem = (text: string) => onFinding({ kind: "problem", text });
  const log = await readLog(disk, nameserver, problem);
  await using state = await openState(disk, nameserver, problem);
  const ahead = state && (await catchUp(options, nameserver, state, log?.entries ?? [], problem));
  let audit: AuditResult | undefined;
  let check: CrossCheck | undefined;
  if (state !== undefined) {
    audit = await auditState(state, new StateMachine(state).digest, problem);
    onStep("holding metadata and blocks against each other …");
    if (devices.length > 0) check = await crossCheck({ state, devices: found, onFinding });
  }
  return {
    ...{ nameserver, devices, audit, check },
    log: log && { entries: log.entries.length, ahead: ahead ?? 0 },
    findings,
  };
}

async function foldersOf({ disk, directories }: FsckOptions) {
  let nameserver: string | undefined;
  const devices: string[] = [];
  for (const directory of directories) {
    const device = await deviceFolder(disk, directory);
    if (device !== undefined) devices.push(device);
    const mine = await nameserverFolder(disk, directory);
    if (mine !== undefined && nameserver !== undefined)
      throw new QuarryError(
        "InvalidArgument",
        `${nameserver} and ${mine} both hold metadata: check one store at a time`,
      );
    nameserver ??= mine;
    if (device === undefined && mine === undefined)
      throw new QuarryError("InvalidArgument", `${directory} is no data folder of a store`);
  }
  return { nameserver, devices };
}

async function nameserverFolder(disk: Disk, directory: string): Promise<string | undefined> {
  for (const folder of [directory, `${directory}/nameserver`]) {
    if (await disk.exists(`${folder}/state`)) return folder;
    if ((await readIdentity(disk, folder).catch(() => undefined))?.kind === "nameserver")
      return folder;
  }
  return undefined;
}

type Problem = (text: string) => void;

/** Tells what is wrong instead of throwing, when that is what was looked for. */
async function orProblem<T>(problem: Problem, run: () => Promise<T>): Promise<T | undefined> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof QuarryError) || error.code === "NewerFormat") throw error;
    problem(error.message);
    return undefined;
  }
}

async function readLog(disk: Disk, directory: string, problem: Problem) {
  await orProblem(problem, () => readIdentity(disk, directory));
  await orProblem(problem, () => readVote(disk, directory));
  const log = await orProblem(problem, async () => {
    const read = await readSegments(disk, `${directory}/log`);
    if (read === undefined) problem(`${directory}/log has lost its files`);
    return read;
  });
  return log;
}

async function openState(
  disk: Disk,
  directory: string,
  problem: Problem,
): Promise<StateFolder | undefined> {
  return await orProblem(problem, () =>
    StateFolder.open(
      disk,
      `${directory}/state`,
      (folder, must) => LevelState.open(disk, folder, must),
      true,
    ),
  );
}

/**
 * What a start does: the entries that the state lacks are applied, and not made durable. In a group
 * only the others know which of them are decided.
 */
async function catchUp(
  { disk }: FsckOptions,
  directory: string,
  state: StateFolder,
  entries: readonly Entry[],
  problem: Problem,
): Promise<number> {
  const machine = new StateMachine(state);
  const ahead = entries.filter(({ index }) => index > machine.applied);
  const [first] = ahead;
  if (first !== undefined && first.index > machine.applied + 1)
    problem(`entries ${machine.applied + 1} to ${first.index - 1} are in no log and no state`);
  else if ((await readMember(disk, directory)) === undefined)
    for (let i = 0; i < ahead.length; i += RUN_ENTRIES)
      await machine.applyRun(ahead.slice(i, i + RUN_ENTRIES));
  return ahead.length;
}
