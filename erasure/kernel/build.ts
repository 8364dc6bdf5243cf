/** Assembles `kernel.as` into `modules.ts`: `node erasure/kernel/build.ts`. */
import { assembleKernel, writeModule } from "../../base/assemble.ts";

const here = import.meta.dirname;

/** One memory that workers share, as large as 32 bits reach. */
const memoryFlags = [
  ...["--importMemory", "--noExportMemory", "--sharedMemory", "--maximumMemory", "65536"],
  ...["--enable", "threads"],
];

/** What the assembler may use for each variant, best first. */
const flagsByVariant = {
  relaxed: ["--enable", "simd", "--enable", "relaxed-simd"],
  simd: ["--enable", "simd"],
  scalar: ["--disable", "simd"],
} as const;

/** The text of `modules.ts` that the source in this folder builds. */
export async function buildModules(): Promise<string> {
  const lines = ["/** Built from `kernel.as` by `build.ts`; do not edit. Modules in base64. */"];
  for (const [variant, flags] of Object.entries(flagsByVariant)) {
    const binary = await assembleKernel(here, [...memoryFlags, ...flags]);
    const text = Buffer.from(binary).toString("base64");
    lines.push(`export const ${variant} =`, `  "${text}";`);
  }
  return `${lines.join("\n")}\n`;
}

if (import.meta.main) await writeModule(`${here}/modules.ts`, await buildModules());
