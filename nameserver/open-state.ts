/** Opens the state; where others have it too, a harmed one is set aside for an empty one. */
import type { Disk } from "../base/disk.ts";
import { hasCode } from "../base/errors.ts";
import { whatOf } from "./group/way-back.ts";
import { type OpenStore, StateFolder } from "./state-folder.ts";
import { headOf } from "./state-machine.ts";

export interface OpenState {
  readonly disk: Disk;
  readonly directory: string;
  readonly openState: OpenStore;
  readonly mustExist: boolean;
  /** There are others who hold the state. */
  readonly mayRejoin: boolean;
  readonly report: (message: string) => void;
}

/** @throws QuarryError `Damaged` when this one alone has the state. */
export async function openStateFolder(options: OpenState): Promise<StateFolder> {
  const { disk, directory, openState, mustExist, mayRejoin, report } = options;
  let opened: StateFolder | undefined;
  try {
    opened = await StateFolder.open(disk, directory, openState, mustExist);
    headOf(opened);
    return opened;
  } catch (error) {
    await opened?.[Symbol.asyncDispose]();
    if (!hasCode(error, "Damaged") || !mayRejoin) throw error;
    const { folder, aside } = await StateFolder.renew(disk, directory, openState);
    report(
      `${whatOf(error)}. The state is set aside in ${aside}; this nameserver begins with an empty one and gets it anew from its log or from the others`,
    );
    return folder;
  }
}
