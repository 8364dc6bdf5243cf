/** `quarry erasure`: Reed-Solomon coding of plain files. */
import { resolve } from "node:path";
import { Command } from "commander";
import { nodeDisk } from "../../base/disk-node.ts";
import { parseScheme, showScheme } from "../../erasure/scheme.ts";
import { decodeFolder } from "./decode.ts";
import { encodeFile } from "./encode.ts";
import { lost } from "./folder.ts";
import { PLAN_SCHEMES, planTable } from "./plan.ts";
import { rebuildFolder } from "./rebuild.ts";
import { verifyFolder } from "./verify.ts";

export function erasureCommand(): Command {
  return new Command("erasure")
    .description("Reed-Solomon coding of plain files: pieces 0 … k+m-1 and a manifest in a folder")
    .addCommand(encodeCommand())
    .addCommand(verifyCommand())
    .addCommand(rebuildCommand())
    .addCommand(decodeCommand())
    .addCommand(planCommand())
    .addHelpText(
      "after",
      "\nExample:\n  quarry erasure encode --scheme 4+2 film.mp4 pieces\n  rm pieces/0 pieces/5\n" +
        "  quarry erasure rebuild pieces\n  quarry erasure decode pieces film-again.mp4",
    );
}

function encodeCommand(): Command {
  return new Command("encode")
    .description("cut a file into k data pieces and compute m parities")
    .requiredOption("--scheme <k+m>", "data pieces + parities, for example 4+2")
    .argument("<file>")
    .argument("<dir>", "an empty or new folder")
    .action(async (file: string, directory: string, options: { readonly scheme: string }) => {
      const scheme = parseScheme(options.scheme);
      const made = await encodeFile(nodeDisk, scheme, resolve(file), resolve(directory));
      console.log(
        `${file}: ${made.lengthBytes} bytes in ${made.crcs.length} pieces of ${made.pieceBytes} bytes ` +
          `(${showScheme(scheme)}); any ${scheme.parity} of them may be lost`,
      );
    });
}

function verifyCommand(): Command {
  return new Command("verify")
    .description("check every piece and the parities; exit code 1 when something is wrong")
    .argument("<dir>")
    .action(async (directory: string) => {
      const verdict = await verifyFolder(nodeDisk, resolve(directory));
      const { states, wrongParities, manifest } = verdict;
      states.forEach((state, i) => {
        const wrong = wrongParities.includes(i) ? " but not what the data gives" : "";
        console.log(`${i}  ${i < manifest.scheme.data ? "data  " : "parity"}  ${state}${wrong}`);
      });
      const bad = lost(verdict);
      if (bad.length === 0 && wrongParities.length === 0) return;
      process.exitCode = 1;
      if (bad.length > manifest.scheme.parity)
        console.log(`${bad.length} are lost, ${manifest.scheme.parity} may be: cannot be decoded`);
      else if (bad.length > 0) console.log(`restore with: quarry erasure rebuild ${directory}`);
      else console.log("pieces and manifest are not of one encoding; encode again");
    });
}

function rebuildCommand(): Command {
  return new Command("rebuild")
    .description("restore missing and damaged pieces")
    .argument("<dir>")
    .action(async (directory: string) => {
      const restored = await rebuildFolder(nodeDisk, resolve(directory));
      console.log(
        restored.length === 0 ? "all pieces are good" : `restored: ${restored.join(", ")}`,
      );
    });
}

function decodeCommand(): Command {
  return new Command("decode")
    .description("write the file that the pieces hold; any k good pieces suffice")
    .argument("<dir>")
    .argument("<file>", "must not exist yet")
    .action(async (directory: string, file: string) => {
      const lengthBytes = await decodeFolder(nodeDisk, resolve(directory), resolve(file));
      console.log(`${file}: ${lengthBytes} bytes`);
    });
}

function planCommand(): Command {
  return new Command("plan")
    .description("what schemes cost and how safe they are, side by side")
    .argument("[schemes...]", "for example 4+2 10+4", PLAN_SCHEMES)
    .option("--failures <percent>", "devices of a hundred that fail in a year", "2")
    .option("--repair <hours>", "from a failure until its pieces are rebuilt", "24")
    .action(
      (schemes: string[], options: { readonly failures: string; readonly repair: string }) => {
        const model = {
          failuresAYear: Number(options.failures) / 100,
          repairHours: Number(options.repair),
        };
        console.log(planTable(schemes.map(parseScheme), model));
      },
    );
}
