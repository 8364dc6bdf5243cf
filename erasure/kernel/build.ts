/**
 * Assembles `kernel.as` into `modules.ts`: `node erasure/kernel/build.ts`. The assembler is a
 * development dependency and deterministic, so a test can prove that the checked-in modules are
 * what the source builds.
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

/** What the assembler may use for each variant, best first. */
const flagsByVariant = {
  relaxed: ["--enable", "threads", "--enable", "simd", "--enable", "relaxed-simd"],
  simd: ["--enable", "threads", "--enable", "simd"],
  scalar: ["--enable", "threads", "--disable", "simd"],
} as const;

type Variant = keyof typeof flagsByVariant;

async function assemble(variant: Variant, source: string): Promise<Uint8Array> {
  let binary: Uint8Array | undefined;
  const complaints: string[] = [];
  const { error } = await asc.main(
    [
      ...["kernel.ts", "--outFile", "kernel.wasm", "--runtime", "stub", "--use", "abort="],
      ...["-O3", "--noAssert", "--importMemory", "--noExportMemory", "--sharedMemory"],
      ...["--initialMemory", "1", "--maximumMemory", "65536"],
      ...flagsByVariant[variant],
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
  return binary;
}

/** The text of `modules.ts` that the source in this folder builds. */
export async function buildModules(): Promise<string> {
  const source = (await readWhole(nodeDisk, `${here}/kernel.as`)).toString();
  const lines = ["/** Built from `kernel.as` by `build.ts`; do not edit. Modules in base64. */"];
  for (const variant of Object.keys(flagsByVariant) as Variant[]) {
    const text = Buffer.from(await assemble(variant, source)).toString("base64");
    lines.push(`export const ${variant} =`, `  "${text}";`);
  }
  return `${lines.join("\n")}\n`;
}

if (import.meta.main)
  await replaceWhole(nodeDisk, `${here}/modules.ts`, Buffer.from(await buildModules()));
