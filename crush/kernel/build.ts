/**
 * Assembles `kernel.as` into `module.ts`: `node crush/kernel/build.ts`. The assembler is a
 * development dependency and deterministic, so a test can prove that the checked-in module is what
 * the source builds.
 */
import { readWhole, replaceWhole } from "../../base/disk.ts";
import { nodeDisk } from "../../base/disk-node.ts";
import { assert } from "../../base/errors.ts";

const here = import.meta.dirname;

/** What is used of the assembler. Its own types would replace the global `console` everywhere. */
interface Assembler {
  main(
    flags: readonly string[],
    host: {
      readFile(name: string): string | null;
      writeFile(name: string, contents: Uint8Array | string): void;
      listFiles(): string[];
      stderr: { write(text: unknown): void };
    },
  ): Promise<{ readonly error: Error | null }>;
}

const assembler: string = "assemblyscript/asc";
const { default: asc } = (await import(assembler)) as { readonly default: Assembler };

/** The text of `module.ts` that the source in this folder builds. */
export async function buildModule(): Promise<string> {
  const source = (await readWhole(nodeDisk, `${here}/kernel.as`)).toString();
  let binary: Uint8Array | undefined;
  const complaints: string[] = [];
  const { error } = await asc.main(
    [
      ...["kernel.ts", "--outFile", "kernel.wasm", "--runtime", "stub", "--use", "abort="],
      ...["-O3", "--noAssert", "--enable", "simd", "--initialMemory", "1"],
    ],
    {
      readFile: (name) => (name === "kernel.ts" ? source : null),
      writeFile(_name, contents) {
        assert(typeof contents !== "string", "a module is bytes");
        binary = contents;
      },
      listFiles: () => [],
      stderr: { write: (text) => complaints.push(String(text)) },
    },
  );
  if (error !== null || binary === undefined)
    throw new Error(`the assembler refuses kernel.as: ${complaints.join("")}`, { cause: error });
  return [
    "/** Built from `kernel.as` by `build.ts`; do not edit. The module in base64. */",
    "export const kernelModule =",
    `  "${Buffer.from(binary).toString("base64")}";`,
    "",
  ].join("\n");
}

if (import.meta.main)
  await replaceWhole(nodeDisk, `${here}/module.ts`, Buffer.from(await buildModule()));
