/** `quarry file rm`: removes files, hides them, or shows them again. */
import { Command } from "commander";
import { type FileFlags, onStore, parseStored, withFileOptions } from "./target.ts";

const EXAMPLES = `
Examples:
  quarry file rm shop/T19RETByJT1RXrhCrK.jpg --store data
  quarry file rm --hide shop/T19RETByJT1RXrhCrK.jpg --store data    # --reveal shows it again`;

interface RmFlags extends FileFlags {
  readonly hide?: true;
  readonly reveal?: true;
}

export function rmCommand(): Command {
  return withFileOptions(new Command("rm").description("remove files, or hide them"))
    .argument("<bucket/name...>")
    .option("--hide", "it is not found until it is revealed")
    .option("--reveal", "what is hidden is found again")
    .addHelpText("after", EXAMPLES)
    .action(rm);
}

async function rm(texts: readonly string[], flags: RmFlags): Promise<void> {
  const targets = texts.map(parseStored);
  await onStore(flags, async ({ fids }, report) => {
    for (const { bucket, name } of targets)
      try {
        if (flags.hide === true) await fids.hide(bucket, name);
        else if (flags.reveal === true) await fids.reveal(bucket, name);
        else await fids.remove(bucket, name);
        const done =
          flags.hide === true ? "hidden" : flags.reveal === true ? "revealed" : "removed";
        report.result(`${done} ${bucket}/${name}`, { [done]: name, bucket });
      } catch (error) {
        report.failed(`${bucket}/${name}`, error);
      }
  });
}
