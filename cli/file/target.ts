/** What all commands on fids share: `bucket/NAME`, and the way to the store. */
import type { Command } from "commander";
import { QuarryError } from "../../base/errors.ts";
import { type ParsedFid, parseFidName } from "../../client/fids/name.ts";
import type { Store } from "../../client/store.ts";
import { Report } from "../objects/report.ts";
import { type PeerFlags, withClusterOptions } from "../peers.ts";
import { openStoreClient } from "../store-client.ts";

export interface FileFlags extends PeerFlags {
  readonly json?: boolean;
  readonly quiet?: boolean;
}

export function withFileOptions(command: Command): Command {
  return withClusterOptions(command)
    .option("--json", "print JSON, one object a line; errors too, on the error output")
    .option("-q, --quiet", "print errors only");
}

export interface FileTarget {
  /** Empty: none was said. */
  readonly bucket: string;
  readonly name: string;
  readonly fid: ParsedFid;
}

/** `bucket/NAME`, or the name alone. */
export function parseFile(text: string): FileTarget {
  const slash = text.indexOf("/");
  const name = text.slice(slash + 1);
  const fid = parseFidName(name);
  if (fid === undefined)
    throw new QuarryError(
      "InvalidArgument",
      `${text} is no file: its name has 18 characters, from T1 or L1 on, and perhaps a suffix`,
    );
  return { bucket: text.slice(0, Math.max(slash, 0)), name, fid };
}

export function parseStored(text: string): FileTarget {
  const target = parseFile(text);
  if (target.bucket === "")
    throw new QuarryError("InvalidArgument", `say in which bucket ${text} is: bucket/${text}`);
  return target;
}

/** Runs a command on a store that runs. */
export async function onStore(
  flags: FileFlags,
  run: (store: Store, report: Report) => Promise<void>,
): Promise<void> {
  const report = new Report(flags);
  using _bar = report.progress;
  await using store = await openStoreClient(flags, (message) => report.warn(message));
  await run(store, report);
  report.finish();
}
