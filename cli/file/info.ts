/** `quarry file info`: what a name says by itself; with a bucket and a store also what is known of the file. */
import { Command } from "commander";
import { fidName, type ParsedFid } from "../../client/fids/name.ts";
import { formatBytes } from "../objects/printable.ts";
import { Report } from "../objects/report.ts";
import { type FileFlags, onStore, parseFile, withFileOptions } from "./target.ts";

const EXAMPLES = `
Examples:
  quarry file info T19RETByJT1RXrhCrK.jpg          # block and needle; asks nobody
  quarry file info L19RETByJT1RCvBVdK.jpg          # of an L name also the key, as S3 shows it
  quarry file info shop/T19RETByJT1RXrhCrK.jpg --store data`;

export function infoCommand(): Command {
  return withFileOptions(
    new Command("info").description("tell where a file is by its name, and more with a bucket"),
  )
    .argument("<[bucket/]name>")
    .addHelpText("after", EXAMPLES)
    .action(info);
}

async function info(text: string, flags: FileFlags): Promise<void> {
  const { bucket, name, fid } = parseFile(text);
  if (bucket === "") {
    new Report(flags).result(lines(name, said(fid)), { name, ...said(fid) });
    return;
  }
  await onStore(flags, async ({ fids }, report) => {
    const found = await fids.stat(bucket, name);
    const more = {
      ...{ bucket, bytes: found.lengthBytes, stored: new Date(found.storedMs).toISOString() },
      hidden: found.isHidden,
      ...(found.crc32c !== undefined && { crc32c: found.crc32c.toString(16).padStart(8, "0") }),
    };
    const all = { ...said(fid), ...more };
    report.result(lines(name, { ...all, bytes: formatBytes(more.bytes) }), { name, ...all });
  });
}

/** JSON has no numbers of 64 bits: the needle is a text, as in the names of tools. */
const said = (fid: ParsedFid) => ({
  kind: fid.kind,
  block: fid.block,
  needle: fid.needle.toString(16).padStart(16, "0"),
  suffix: fid.suffix,
  // The suffix is mixed into a name: that of the object is another one, not this one cut off.
  ...(fid.kind === "L" && { key: fidName("L", fid) }),
});

function lines(name: string, fields: Readonly<Record<string, unknown>>): string {
  const shown = Object.entries(fields).filter(([, value]) => value !== "");
  return [name, ...shown.map(([key, value]) => `  ${key.padEnd(8)} ${value}`)].join("\n");
}
