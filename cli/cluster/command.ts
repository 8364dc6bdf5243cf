/** `quarry cluster`: a whole cluster on this machine, as real processes. */
import { Command, Option } from "commander";
import { systemClock } from "../../base/clock.ts";
import { QuarryError } from "../../base/errors.ts";
import { systemRandom } from "../../base/random.ts";
import { parseScheme } from "../admin/pools.ts";
import { formatBytes, parseSize } from "../objects/printable.ts";
import { askCluster } from "./control.ts";
import { orderCommands, whole } from "./orders.ts";
import { picture } from "./picture.ts";
import { runCluster } from "./run.ts";
import { type ClusterFlags, clusterSettings, directoryFrom, mostOf } from "./settings.ts";

const EXAMPLES = `
Examples:
  quarry cluster                                    # ./cluster, http://127.0.0.1:9000
  quarry cluster --nameservers 1 --dataservers 3    # a small machine
  quarry cluster kill ds3                           # from another terminal, or typed at its prompt: kill ds3
  quarry cluster corrupt ds3 --flips 100 --seed 7
  quarry cluster status --json

Sizes and --port count at the first start of a folder; later starts are the same cluster, with the same
ports and keys. QUARRY_ROOT_ACCESS_KEY and QUARRY_ROOT_SECRET_KEY set the first root key.`;

/** They count for a new cluster only. */
const SIZES = [
  ...["nameservers", "dataservers", "racks", "gateways", "diskSize", "port"],
  ...["replicas", "largeScheme"],
];

const HOME = "cluster";
const DISK_BYTES = 16 * 2 ** 30;
const DATA = ["--data <dir>", "folder of the cluster"] as const;

export function clusterCommand(): Command {
  const command = new Command("cluster")
    .description("run a whole cluster on this machine, each member a process (docs/cluster.md)")
    .option(...DATA, HOME)
    .option("--nameservers <n>", "how many (an odd number)", whole(1, mostOf.nameserver), 3)
    .option("--dataservers <n>", "how many", whole(0, mostOf.dataserver), 8)
    .option("--racks <n>", "the racks they stand in", whole(1, mostOf.dataserver), 4)
    .option("--gateways <n>", "how many", whole(0, mostOf.gateway), 1)
    .option("--port <n>", "of the first gateway, if it is free; 0: any", whole(0, 65_535), 9000)
    .addOption(
      new Option("--disk-size <size>", "what each dataserver uses at most")
        .argParser(parseSize)
        .default(DISK_BYTES, formatBytes(DISK_BYTES)),
    )
    .option(
      "--replicas <n>",
      "copies of small objects (3, or one for each dataserver)",
      whole(1, 8),
    )
    .option(
      "--large-scheme <k+m>",
      "of objects from 1 MiB on; none: as small ones (4+2 with 7 dataservers or more)",
      (text) => (text === "none" ? text : parseScheme(text)),
    )
    .option("--json", "what happens as JSON, one object a line")
    .addHelpText("after", EXAMPLES);
  // What is no order lands here, too.
  command.argument("[order...]", "one of those below; none: run the cluster");
  command.action(async ([stray]: readonly string[], flags: ClusterFlags) => {
    if (stray !== undefined) throw noSuchOrder(command, stray);
    const isSized = SIZES.some((name) => command.getOptionValueSource(name) === "cli");
    await runCluster({
      ...clusterSettings(flags),
      ...{ json: flags.json === true, isSized },
      ...{ clock: systemClock, random: systemRandom },
    });
  });
  for (const order of remoteOrders(command)) command.addCommand(order);
  return command;
}

function noSuchOrder({ commands }: Command, stray: string): QuarryError {
  const names = commands.map((one) => one.name()).join(", ");
  return new QuarryError("InvalidArgument", `there is no order ${stray}; there are ${names}`);
}

/** Orders to the cluster that runs in the folder, and its state. Flags of the cluster may follow them. */
function remoteOrders(command: Command): Command[] {
  const flags = () => command.opts<ClusterFlags>();
  const orders = orderCommands(async (order) => {
    const told = await askCluster(directoryFrom(flags().data), (cluster) =>
      cluster.carryOut(order),
    );
    for (const line of told) console.log(line);
  });
  const status = new Command("status")
    .description("how all members stand")
    .option("--json", "one JSON object")
    .action(async () => {
      const view = await askCluster(directoryFrom(flags().data), (cluster) => cluster.view());
      console.log(flags().json === true ? JSON.stringify(view) : picture(view).join("\n"));
    });
  return [...orders, status].map((order) => order.option(...DATA));
}
