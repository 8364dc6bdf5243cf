/** How blocks are made whole again, as it is set now. */
import { type HealingSettings, usualHealing } from "../rpc/healing.ts";
import type { StateReader } from "./group/group.ts";
import { keys } from "./keyspace.ts";
import { read } from "./queries/read.ts";

export const healingSettings = (state: StateReader): HealingSettings => ({
  ...usualHealing,
  ...read(state, keys.healing()),
});
