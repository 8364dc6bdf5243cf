/** Does what one block needs: a file for each kind of work. */
import { unreachable } from "../../base/errors.ts";
import { changeCopies } from "./kinds/copies.ts";
import { remake } from "./kinds/remake-run.ts";
import { retire } from "./kinds/retire.ts";
import { seal } from "./kinds/seal.ts";
import type { Need } from "./need.ts";
import type { RunContext } from "./run-context.ts";

export async function run(context: RunContext, need: Need): Promise<void> {
  switch (need.kind) {
    case "seal":
      return await seal(context, need);
    case "rebuild":
    case "move":
    case "switch":
      return await remake(context, need);
    case "retire":
      return await retire(context, need);
    case "convert":
      return await changeCopies(context, need);
    default:
      return unreachable(need);
  }
}
