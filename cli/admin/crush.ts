/** `quarry admin crush`: the CRUSH map of the cluster as Ceph's tools read it. */
import { Command } from "commander";
import { dump } from "../../crush/dump.ts";
import { decompile } from "../../crush/text/decompile.ts";
import { printExactWeight } from "../../crush/text/fixed-point.ts";
import { crushMapOf } from "../../rpc/crush-map.ts";
import { withClusterOptions } from "../peers.ts";
import { type ClusterFlags, withCluster } from "./cluster-view.ts";

export function crushCommand(): Command {
  return withClusterOptions(
    new Command("crush").description(
      "the CRUSH map as text for `quarry crush` and crushtool; who is out is no part of it",
    ),
  )
    .option("--json", "as `ceph osd crush dump` prints it")
    .action((flags: ClusterFlags) =>
      withCluster(flags, ({ map }) => {
        const crush = crushMapOf(map);
        if (flags.json === true) console.log(JSON.stringify(dump(crush)));
        else process.stdout.write(decompile(crush, printExactWeight));
      }),
    );
}
