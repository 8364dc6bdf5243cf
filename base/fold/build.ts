/** Assembles `kernel.as` into `module.ts`: `node base/fold/build.ts`. */
import { moduleText, writeModule } from "../assemble.ts";

const here = import.meta.dirname;

if (import.meta.main) await writeModule(`${here}/module.ts`, await moduleText(here));
