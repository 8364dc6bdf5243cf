/** The options and the run that `put`, `get`, `cp` and `mv` share. */
import type { Command } from "commander";
import { QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import { storeCommand } from "./connect.ts";
import { type Filter, filterParser, includesAll } from "./filters.ts";
import { tellInterruption } from "./interruption.ts";
import { isLocation } from "./location.ts";
import { parseParallel } from "./parallel.ts";
import { parsePartSize } from "./part-size.ts";
import { type PlanOptions, planCopy, planDownload, planUpload } from "./plan.ts";
import { openSession, type Session, type SessionOptions } from "./session.ts";
import { runTransfers, type Totals, type Transfer, tellTotals } from "./transfer.ts";

export interface TransferFlags extends SessionOptions {
  readonly recursive?: boolean;
  readonly dryRun?: boolean;
  readonly followSymlinks?: boolean;
  readonly versionId?: string;
}

export interface TransferCommand {
  readonly command: Command;
  /** Of `--exclude` and `--include`, in the order typed. */
  readonly filters: readonly Filter[];
}

export function transferCommand(name: string, description: string): TransferCommand {
  const filters: Filter[] = [];
  const command = storeCommand(name, description)
    .option("-r, --recursive", "a folder or prefix, and all below it")
    .option("-n, --dry-run", "only tell what would be done")
    .option("-v, --verbose", "a line for each object")
    .option(
      "--exclude <pattern>",
      "leave out names that match (* ? [abc])",
      filterParser(filters, false),
    )
    .option(
      "--include <pattern>",
      "but not these; the last that matches decides",
      filterParser(filters, true),
    )
    .option("--parallel <n>", "requests at once", parseParallel, limits.cliParallel)
    .option("--part-size <size>", "parts and ranges of large objects (8M)", parsePartSize);
  return { command, filters };
}

/** Options on what is stored with the bytes. */
export function withAttributes(command: Command): Command {
  return command
    .option("--content-type <type>", "instead of the one that the name suggests")
    .option("--cache-control <text>", "what browsers and proxies may keep")
    .option("--metadata <name=value>", "user metadata; may be given again", addMetadata)
    .option("--storage-class <class>", "where the store has several");
}

function addMetadata(
  text: string,
  soFar: Record<string, string> | undefined,
): Record<string, string> {
  const equals = text.indexOf("=");
  if (equals < 1) throw new QuarryError("InvalidArgument", `${text} is not name=value`);
  return { ...soFar, [text.slice(0, equals)]: text.slice(equals + 1) };
}

export function planOptions(flags: TransferFlags, filters: readonly Filter[]): PlanOptions {
  return {
    recursive: flags.recursive === true,
    followLinks: flags.followSymlinks === true,
    includes: includesAll(filters),
    ...(flags.versionId !== undefined && { versionId: flags.versionId }),
  };
}

export type Direction = "up" | "down" | "within";

export function directionOf(source: string, target: string): Direction {
  const from = isLocation(source);
  const to = isLocation(target);
  if (!from && !to)
    throw new QuarryError(
      "InvalidArgument",
      "neither is in a store: one of the two is s3://bucket/key",
    );
  if (from && to) return "within";
  return from ? "down" : "up";
}

export async function moveThings(
  source: string,
  target: string,
  flags: TransferFlags,
  filters: readonly Filter[],
  move: boolean,
): Promise<{ readonly session: Session; readonly totals: Totals }> {
  const session = openSession(flags);
  const options = planOptions(flags, filters);
  const direction = directionOf(source, target);
  const plans = { up: planUpload, down: planDownload, within: planCopy };
  const transfers: AsyncIterable<Transfer> = plans[direction](session, source, target, options);
  const dryRun = flags.dryRun === true;
  using _bar = session.report.progress;
  using _interruption = tellInterruption(session.report);
  const totals = await runTransfers(session, transfers, { move, dryRun });
  const verbs = { up: "stored", down: "fetched", within: "copied" };
  const verb = move ? "moved" : verbs[direction];
  tellTotals(session, totals, verb, `in ${target}`, dryRun);
  session.report.finish();
  return { session, totals };
}
