import type { Command } from "commander";
import { InvalidArgumentError } from "commander";
import { type ConnectOptions, storeCommand } from "./connect.ts";
import { parseObject } from "./location.ts";
import { openSession } from "./session.ts";
import { streamToOutput } from "./standard-output.ts";

const EXAMPLES = `
Examples:
  quarry cat s3://logs/today.log | grep ERROR
  quarry cat --range 0-1023 s3://photos/cat.jpg   # the first KiB
  quarry cat --range 1048576- s3://logs/big.log   # all after the first MiB
  quarry cat --range -512 s3://logs/big.log       # the last 512 bytes`;

/** The value of the Range header for `0-99`, `100-` or `-100`. */
function parseRange(text: string): string {
  const match = /^(\d*)-(\d*)$/.exec(text);
  const first = match?.[1] ?? "";
  const last = match?.[2] ?? "";
  if (match === null || (first === "" && last === ""))
    throw new InvalidArgumentError("It is first-last (both included), first-, or -length.");
  if (first !== "" && last !== "" && Number(first) > Number(last))
    throw new InvalidArgumentError("It ends before it begins.");
  return `bytes=${first}-${last}`;
}

interface CatOptions extends ConnectOptions {
  readonly range?: string;
  readonly versionId?: string;
}

export function catCommand(): Command {
  return storeCommand("cat", "write objects to the standard output")
    .argument("<s3://bucket/key...>")
    .option("--range <first-last>", "only these bytes, counted from 0", parseRange)
    .option("--version-id <id>", "an older version")
    .addHelpText("after", EXAMPLES)
    .action(async (sources: string[], { range, versionId, ...options }: CatOptions) => {
      const session = openSession({ ...options, quiet: true });
      for (const source of sources) {
        const from = { ...parseObject(source), ...(versionId !== undefined && { versionId }) };
        await streamToOutput(session, from, range);
      }
    });
}
