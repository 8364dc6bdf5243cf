/** `quarry admin class`: which pools the objects of an S3 storage class go to. */
import { Command } from "commander";
import { QuarryError } from "../../base/errors.ts";
import type { ClusterMap } from "../../rpc/cluster-map.ts";
import { STANDARD, type StorageClass } from "../../rpc/pool.ts";
import { formatBytes, parseSize } from "../objects/printable.ts";
import { type ClusterFlags, change, table, withCluster } from "./cluster-view.ts";
import { findPool, withOutput } from "./pools.ts";

interface SetFlags extends ClusterFlags {
  readonly small?: string;
  readonly large?: string;
  readonly threshold?: number;
}

export function classCommand(): Command {
  return new Command("class")
    .description("storage classes: which pools the objects of each go to")
    .addCommand(
      withOutput(new Command("ls").description("all storage classes")).action(
        (flags: ClusterFlags) => withCluster(flags, ({ map }) => list(map, flags.json === true)),
      ),
    )
    .addCommand(
      withOutput(
        new Command("set")
          .description(
            "make a storage class, or change what is given; for what is stored from now on",
          )
          .argument("<class>", "as in STANDARD, or a new name in capital letters"),
      )
        .option("--small <pool>", "where small objects go: a pool with k = 1")
        .option("--large <pool>", "where large objects go")
        .option("--threshold <size>", "from here on an object is large, as in 1MiB", parseSize)
        .action((name: string, flags: SetFlags) =>
          change(
            flags,
            (map) => ({ type: "setStorageClass", storageClass: changed(map, name, flags) }),
            () => `class ${name} is set: gateways go by it within 5 seconds`,
          ),
        ),
    )
    .addCommand(
      withOutput(
        new Command("rm").description("remove a storage class").argument("<class>"),
      ).action((name: string, flags: ClusterFlags) =>
        change(
          flags,
          () => ({ type: "removeStorageClass", name }),
          () => `class ${name} is removed; objects that have it stay where they are`,
        ),
      ),
    );
}

/** Of a new class what is not given is as in STANDARD, but for two pools: one that is given is for both. */
function changed(map: ClusterMap, name: string, flags: SetFlags): StorageClass {
  const poolOf = (wanted: string | undefined) =>
    wanted === undefined ? undefined : findPool(map, wanted).id;
  const small = poolOf(flags.small);
  const large = poolOf(flags.large);
  const before = map.storageClasses.find((one) => one.name === name);
  const first = before ?? map.storageClasses.find((one) => one.name === STANDARD.name) ?? STANDARD;
  if (before === undefined && small === undefined && large === undefined)
    throw new QuarryError("InvalidArgument", "say --small and --large for a new storage class");
  return {
    name,
    small: small ?? first.small,
    large: large ?? (before === undefined ? (small ?? first.large) : first.large),
    thresholdBytes: flags.threshold ?? first.thresholdBytes,
  };
}

function list(map: ClusterMap, isJson: boolean): void {
  if (isJson) {
    for (const one of map.storageClasses) console.log(JSON.stringify(one));
    return;
  }
  const named = (pool: number) => map.pools.find(({ id }) => id === pool)?.name ?? String(pool);
  const rows = map.storageClasses.map(({ name, small, large, thresholdBytes }) => [
    name,
    named(small),
    named(large),
    formatBytes(thresholdBytes),
  ]);
  console.log(table(["CLASS", "SMALL", "LARGE", "LARGE FROM"], rows));
}
