/** Assembles `kernel.as` into `module.ts`: `node crush/kernel/build.ts`. */
import { moduleText, writeModule } from "../../base/assemble.ts";

const here = import.meta.dirname;

if (import.meta.main) await writeModule(`${here}/module.ts`, await moduleText(here));
