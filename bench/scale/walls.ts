/**
 * Where it ends: for each thing that grows with the objects, at how many of them it is too much. Pure:
 * told from what was counted and measured, each scaled as what it is, linear.
 */
import { limits } from "../../base/limits.ts";
import type { Pass } from "./pass.ts";
import type { RowCosts } from "./rows.ts";
import { counted, type Setting } from "./setting.ts";
import type { StockCost } from "./stock-costs.ts";

export interface Measured {
  readonly stock: StockCost;
  readonly rows: RowCosts;
  readonly pass: Pass;
  readonly heapBytes: number;
}

export interface Wall {
  readonly what: string;
  readonly objects: number;
  /** As it would be with all objects of the setting, in words. */
  readonly whole: string;
}

/** What a leader may give of its thread to what is no command of a client. */
const SHARE = 0.5;
/** Somebody updates the dataservers one after the other: so often one goes and comes. */
const FLAP_SECONDS = 30;
/** Down, up again, and heard. */
const FLAP_LOOKS = 3;
/** Clients wait so long for a new leader to hand out blocks. */
const PATIENCE_SECONDS = 30;
const HOUR_SECONDS = 3_600;
/** Of a nameserver, for its state. */
const NAMESERVER_DISK_BYTES = 2e12;

/** The first is the nearest. */
export function walls(setting: Setting, measured: Measured): Wall[] {
  const all = counted(setting);
  const { stock, rows, pass, heapBytes } = measured;
  const { objects } = setting;
  const each = all.pieces / objects;
  const at = (most: number, now: number) => (objects * most) / now;
  // Those that a device has something of; measured it is lost in what else a round does.
  const flapSeconds = ((all.pieces / setting.devices) * pass.allMicrosPerBlock) / 1e6;
  const lookSeconds = (pass.allMicrosPerBlock * all.blocks) / 1e6;
  // Each row, and each piece by a question to its device (open-blocks.ts, take-stock.ts).
  const takingSeconds = (all.blocks * rows.walkMicros + all.pieces * stock.hearMicros) / 1e6;
  const rowBytes = rows.objects[1].bytesPerObject;
  const found: Wall[] = [
    {
      what: `pieces that a nameserver keeps in mind (limits.stockEntries, ${limits.stockEntries})`,
      objects: limits.stockEntries / each,
      whole: `${millions(all.pieces)} pieces`,
    },
    {
      what: `memory of a nameserver's heap (${gib(heapBytes)}) for the stock`,
      objects: heapBytes / (each * stock.bytesPerPiece),
      whole: gib(all.pieces * stock.bytesPerPiece),
    },
    {
      what: `looks of the planner when devices come and go, one every ${FLAP_SECONDS} s: half of the leader's thread`,
      objects: at(FLAP_SECONDS * SHARE, flapSeconds * FLAP_LOOKS),
      whole: `${seconds(flapSeconds)} of CPU for a look, ${FLAP_LOOKS} each time`,
    },
    {
      what: `a look at all blocks, when a device is put out or comes: nothing is begun for ${PATIENCE_SECONDS} s`,
      objects: at(PATIENCE_SECONDS, lookSeconds),
      whole: `${seconds(lookSeconds)} of CPU`,
    },
    {
      what: `a new leader takes stock before it hands out blocks: PUTs wait ${PATIENCE_SECONDS} s`,
      objects: at(PATIENCE_SECONDS, takingSeconds),
      whole: seconds(takingSeconds),
    },
    {
      what: "garbage is looked for, in a walk over all pieces, once an hour",
      objects: at(HOUR_SECONDS, all.pieces / limits.walkedEachSecond),
      whole: `every ${seconds(all.pieces / limits.walkedEachSecond)}`,
    },
    {
      what: `rows of a nameserver (${rowBytes.toFixed(0)} bytes an object) on 2 TB`,
      objects: NAMESERVER_DISK_BYTES / rowBytes,
      whole: gib(objects * rowBytes),
    },
    {
      what: "block ids (32 bits)",
      objects: 2 ** 32 * all.objectsPerBlock,
      whole: `${millions(all.blocks)} blocks`,
    },
  ];
  return found.sort((a, b) => a.objects - b.objects);
}

const millions = (count: number): string => `${(count / 1e6).toFixed(1)} million`;
const seconds = (value: number): string => `${value.toFixed(1)} s`;
const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
