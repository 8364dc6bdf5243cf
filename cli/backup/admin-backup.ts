/** `quarry admin backup`: the metadata of a running store, or of a group of nameservers, into a file. */
import type { Command } from "commander";
import { systemClock } from "../../base/clock.ts";
import { nodeDisk } from "../../base/disk-node.ts";
import { QuarryError } from "../../base/errors.ts";
import { systemRandom } from "../../base/random.ts";
import { LeaderNames } from "../../client/leader.ts";
import { parseAddress } from "../../rpc/address.ts";
import { adminAnswer } from "../admin/request.ts";
import { readSecret } from "../nameserver/secret-file.ts";
import {
  type ConnectOptions,
  connect,
  isTrustedWay,
  placeOf,
  storeCommand,
} from "../objects/connect.ts";
import { formatBytes } from "../objects/printable.ts";
import { stayAlive } from "../stay-alive.ts";
import { TlsFiles, type TlsFlags, withTlsOptions } from "../tls-files.ts";
import { counter, saidBackup } from "./say.ts";
import { type Backup, type ReadPiece, writeBackup } from "./write-backup.ts";

interface BackupOptions extends ConnectOptions, TlsFlags {
  readonly servers?: string;
  readonly secretFile?: string;
}

export function backupCommand(): Command {
  const command = storeCommand("backup", "write the metadata of a running store into a file")
    .argument("<file>", "is replaced when the backup is whole")
    .option("--servers <list>", "nameservers of a group, as in host:port,host:port")
    .option("--secret-file <file>", "64 hex digits that all servers of the group share");
  return withTlsOptions(command)
    .addHelpText(
      "after",
      `
It holds names, users with their keys, and where the bytes of objects are; not the bytes. Keep it secret.

Examples:
  quarry admin backup metadata.backup
  quarry admin backup metadata.backup --servers 10.0.0.1:7001,10.0.0.2:7001 --secret-file secret
  quarry backup verify metadata.backup
  quarry restore metadata.backup --data ./data`,
    )
    .action(async (file: string, options: BackupOptions) => {
      const backup = await take(file, options);
      if (options.json === true) console.log(JSON.stringify(backup));
      else if (options.quiet !== true)
        console.log(
          `${file}: ${saidBackup(backup)}, ${formatBytes(backup.bytes)}\n  sha256 ${backup.sha256}`,
        );
    });
}

async function take(file: string, options: BackupOptions): Promise<Backup> {
  const { servers, secretFile } = options;
  if ((servers === undefined) !== (secretFile === undefined))
    throw new QuarryError("InvalidArgument", "--servers and --secret-file belong together");
  using progress = counter(options.json !== true && options.quiet !== true);
  const seams = { disk: nodeDisk, clock: systemClock, random: systemRandom };
  const write = (read: ReadPiece) =>
    writeBackup({ ...seams, file, read, onProgress: progress.show });
  if (servers === undefined || secretFile === undefined)
    return await write(throughGateway(options));
  using certificates = await TlsFiles.open(options);
  const { tls } = certificates;
  using _ = stayAlive();
  await using leader = new LeaderNames({
    addresses: servers.split(",").map(parseAddress),
    secret: await readSecret(secretFile),
    ...(tls && { tls }),
    clock: systemClock,
    random: systemRandom,
  });
  return await write((request) => leader.names.statePiece(request));
}

function throughGateway(options: ConnectOptions): ReadPiece {
  const { endpoint } = placeOf(options);
  if (!isTrustedWay(endpoint))
    throw new QuarryError(
      "InvalidArgument",
      `the backup holds all users' keys, and ${endpoint} would send them unencrypted: use https, or take it on the store's own machine`,
    );
  const client = connect(options);
  return async ({ reading, offset }) => {
    const query = {
      "quarry-state": "",
      "x-quarry-offset": String(offset),
      ...(reading !== undefined && { "x-quarry-reading": String(reading) }),
    };
    const { headers, body } = await adminAnswer(client, { method: "GET", query });
    return {
      reading: Number(headers["x-quarry-reading"]),
      offset,
      bytes: body,
      last: headers["x-quarry-last"] === "true",
    };
  };
}
