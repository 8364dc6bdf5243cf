/**
 * A large cluster on paper and by simulation: the real CRUSH, the real planner and the real stock of what
 * devices hold, over disks and links that are modelled, on a clock that is moved on.
 *
 *     node bench/scale/main.ts [--devices 1000] [--racks 40] [--objects 10e9] [--object-bytes 65536]
 *                              [--scheme 4+2] [--packing split|striped] [--disk hdd|ssd|nvme] [--json]
 */
import console from "node:console";
import { Command } from "commander";
import { print } from "./print.ts";
import { reportOf } from "./report.ts";
import { disks, type Packing, type Setting } from "./setting.ts";

interface Flags {
  readonly devices: string;
  readonly racks: string;
  readonly hostDevices: string;
  readonly objects: string;
  readonly objectBytes: string;
  readonly scheme: string;
  readonly packing: Packing;
  readonly groups: string;
  readonly disk: string;
  readonly hostGbit: string;
  readonly rackGbit: string;
  readonly processBytes: string;
  readonly healingShare: string;
  readonly simulate: string;
  readonly rows: string;
  readonly groupSeconds: string;
  readonly json?: boolean;
}

const GBIT_BYTES = 1e9 / 8;

const flags = new Command()
  .option("--devices <n>", "each with a dataserver of its own", "1000")
  .option("--racks <n>", "no two pieces of a block stand in one", "40")
  .option("--host-devices <n>", "devices on one machine", "5")
  .option("--objects <n>", "in the whole cluster", "10e9")
  .option("--object-bytes <n>", "of each", "65536")
  .option("--scheme <k+m>", "pieces and parities", "4+2")
  .option("--packing <how>", "split: each object in pieces; striped: blocks of them", "split")
  .option("--groups <n>", "placement groups of the pool", "65536")
  .option("--disk <kind>", "hdd, ssd or nvme", "hdd")
  .option("--host-gbit <n>", "link of a machine", "10")
  .option("--rack-gbit <n>", "link of a rack to the others", "40")
  .option("--process-bytes <n>", "a dataserver moves a second while it heals", "400e6")
  .option("--healing-share <n>", "of a disk's time beside its clients", "0.5")
  .option("--simulate <n>", "blocks that are simulated one by one", "12000")
  .option("--rows <n>", "names stored for the size of their rows", "200000")
  .option("--group-seconds <n>", "of load on a group of nameservers; 0: none", "3")
  .option("--json", "print JSON")
  .parse()
  .opts<Flags>();

const report = await reportOf({
  setting: settingOf(flags),
  rows: Number(flags.rows),
  groupSeconds: Number(flags.groupSeconds),
  tell: (what) => console.error(`${what} …`),
});
if (flags.json) console.log(JSON.stringify(report, null, 2));
else print(report);

function settingOf(given: Flags): Setting {
  const [k, m] = given.scheme.split("+").map(Number);
  const disk = disks[given.disk];
  if (k === undefined || m === undefined || disk === undefined)
    throw new TypeError("--scheme is k+m such as 4+2, --disk one of hdd, ssd and nvme");
  return {
    ...{ devices: Number(given.devices), racks: Number(given.racks), scheme: { k, m }, disk },
    ...{ hostDevices: Number(given.hostDevices), pgNum: Number(given.groups) },
    ...{ objects: Number(given.objects), objectBytes: Number(given.objectBytes) },
    ...{ packing: given.packing, simulated: Number(given.simulate) },
    hostBytes: Number(given.hostGbit) * GBIT_BYTES,
    rackBytes: Number(given.rackGbit) * GBIT_BYTES,
    processBytes: Number(given.processBytes),
    healingShare: Number(given.healingShare),
  };
}
