/** `quarry admin capacity`: how much is stored and how much still can be, by pool and by device. */
import { Command } from "commander";
import { osdName } from "../../rpc/crush-map.ts";
import type { Capacity, PoolCapacity } from "../../rpc/health.ts";
import { formatBytes } from "../objects/printable.ts";
import { type ClusterFlags, table, withCluster } from "./cluster-view.ts";
import { withOutput } from "./pools.ts";

const HELP = `
USABLE is what can still be stored in a pool before the first of its devices is full, if nothing goes to
other pools: pools share their devices. FULL FIRST is that device. FOR REPAIRS is kept free, so that what
the largest device or place held fits on the others (\`quarry admin heal limit --repair-room off\`).`;

export function capacityCommand(): Command {
  return withOutput(
    new Command("capacity").description("how much is stored, and how much still can be"),
  )
    .addHelpText("after", HELP)
    .action((flags: ClusterFlags) =>
      withCluster(flags, async ({ names }) => {
        const capacity = await names.capacity();
        if (flags.json === true) console.log(JSON.stringify(capacity));
        else for (const line of capacityLines(capacity)) console.log(line);
      }),
    );
}

export function capacityLines(capacity: Capacity): string[] {
  const { totalBytes, freeBytes, repairBytes, keepsRepairRoom, pools, devices } = capacity;
  const kept = keepsRepairRoom
    ? `${formatBytes(repairBytes)} kept for repairs`
    : "no room is kept for repairs";
  return [
    `${formatBytes(totalBytes - freeBytes)} of ${formatBytes(totalBytes)} used on devices that are up, ${kept}`,
    "",
    table(poolTitles, pools.map(poolCells)),
    "",
    table(
      ["DEVICE", "SIZE", "FREE", "FOR REPAIRS", ""],
      devices.map((one) => [
        osdName(one.number),
        formatBytes(one.totalBytes),
        formatBytes(one.freeBytes),
        one.repairBytes === 0 ? "-" : formatBytes(one.repairBytes),
        one.takes ? "takes blocks" : "takes none",
      ]),
    ),
  ];
}

export const poolTitles = ["POOL", "SCHEME", "STORED", "ON DEVICES", "USABLE", "FULL FIRST", ""];

export function poolCells(pool: PoolCapacity): string[] {
  const { name, scheme, usedBytes, storedBytes, usableBytes, bottleneck } = pool;
  const first =
    bottleneck === undefined
      ? "-"
      : bottleneck.place === osdName(bottleneck.number)
        ? bottleneck.place
        : `${osdName(bottleneck.number)} in ${bottleneck.place}`;
  return [
    name,
    `${scheme.k}+${scheme.m}`,
    formatBytes(usedBytes),
    formatBytes(storedBytes),
    formatBytes(usableBytes),
    first,
    placesText(pool),
  ];
}

function placesText({ places, placesNeeded, failureDomain }: PoolCapacity): string {
  if (places >= placesNeeded) return "";
  const many = failureDomain === "osd" ? "devices" : `${failureDomain}s`;
  return `needs ${placesNeeded} ${many}, has ${places}`;
}
