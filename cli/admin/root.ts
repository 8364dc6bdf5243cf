/** `quarry admin root`: the root user's key of a cluster, for whoever has the cluster's secret. */
import { resolve } from "node:path";
import { Command } from "commander";
import { nodeDisk } from "../../base/disk-node.ts";
import { systemRandom } from "../../base/random.ts";
import { LeaderNames } from "../../client/leader.ts";
import { awake } from "../awake.ts";
import { openPeers, type PeerFlags, withPeerOptions } from "../peers.ts";
import { establishUser, rootUser } from "../serve/establish-users.ts";
import { rootCredentials, sourcingLine } from "../serve/root-credentials.ts";

interface RootFlags extends PeerFlags {
  readonly save: string;
  readonly endpoint: string;
}

export function rootCommand(): Command {
  return withPeerOptions(
    new Command("root").description("give the root user of a cluster a key, in place of any other"),
  )
    .option(
      "--save <file>",
      "keeps the key; one that is there already is used again",
      "root-credentials",
    )
    .option("--endpoint <url>", "a gateway, noted in the file", "http://127.0.0.1:9000")
    .addHelpText(
      "after",
      `
QUARRY_ROOT_ACCESS_KEY and QUARRY_ROOT_SECRET_KEY set the key; otherwise a new one is made.

Example:
  quarry admin root --nameservers 10.0.0.1:7001 --secret-file secret --endpoint http://10.0.0.7:9000`,
    )
    .action((flags: RootFlags) => awake(establish(flags)));
}

async function establish(flags: RootFlags): Promise<void> {
  const { endpoint } = flags;
  const save = resolve(flags.save);
  using peers = await openPeers(flags, console.error);
  const { addresses, trust } = peers;
  await using leader = new LeaderNames({ ...trust, addresses });
  // Nothing is written before somebody answers.
  await leader.names.user({ id: rootUser.id });
  const keys = await rootCredentials(nodeDisk, systemRandom, save, endpoint, process.env);
  await establishUser(leader.names, rootUser, [keys]);
  console.log(`the root user's key is in ${save} (only you can read it)
  use it   ${sourcingLine(save)}; quarry ls`);
}
