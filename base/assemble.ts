/**
 * Assembles a WebAssembly kernel from its AssemblyScript source. A tool for the `build.ts` beside
 * each kernel: the assembler is a development dependency and deterministic, so tests can prove that
 * the checked-in modules are what the sources build.
 */
import { readWhole, replaceWhole } from "./disk.ts";
import { nodeDisk } from "./disk-node.ts";
import { assert } from "./errors.ts";

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

/** The module that `<directory>/kernel.as` builds, without a runtime and as fast as it gets. */
export async function assembleKernel(
  directory: string,
  flags: readonly string[],
): Promise<Uint8Array> {
  const { default: asc } = (await import(assembler)) as { readonly default: Assembler };
  const source = (await readWhole(nodeDisk, `${directory}/kernel.as`)).toString();
  let binary: Uint8Array | undefined;
  const complaints: string[] = [];
  const { error } = await asc.main(
    [
      ...["kernel.ts", "--outFile", "kernel.wasm", "--runtime", "stub", "--use", "abort="],
      ...["-O3", "--noAssert", "--initialMemory", "1"],
      ...flags,
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
    throw new Error(`the assembler refuses ${directory}/kernel.as: ${complaints.join("")}`, {
      cause: error,
    });
  return binary;
}

/** The text of the `module.ts` of a kernel that is one module and uses SIMD. */
export async function moduleText(directory: string): Promise<string> {
  const binary = await assembleKernel(directory, ["--enable", "simd"]);
  return [
    "/** Built from `kernel.as` by `build.ts`; do not edit. The module in base64. */",
    "export const kernelModule =",
    `  "${Buffer.from(binary).toString("base64")}";`,
    "",
  ].join("\n");
}

/** Puts a text that was built in the place of the checked-in one. */
export async function writeModule(path: string, text: string): Promise<void> {
  await replaceWhole(nodeDisk, path, Buffer.from(text));
}
