/** Assembles `kernel.as` into `module.ts`: `node base/md5/build.ts`. */
import { assembleKernel } from "../assemble.ts";
import { replaceWhole } from "../disk.ts";
import { nodeDisk } from "../disk-node.ts";

const here = import.meta.dirname;

/** The text of `module.ts` that the source in this folder builds. */
export async function buildModule(): Promise<string> {
  const binary = await assembleKernel(here, ["--enable", "simd"]);
  return [
    "/** Built from `kernel.as` by `build.ts`; do not edit. The module in base64. */",
    "export const kernelModule =",
    `  "${Buffer.from(binary).toString("base64")}";`,
    "",
  ].join("\n");
}

if (import.meta.main)
  await replaceWhole(nodeDisk, `${here}/module.ts`, Buffer.from(await buildModule()));
