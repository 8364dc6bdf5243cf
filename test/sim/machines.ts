/** The dataservers of a world: in racks and hosts, each with its drives; some stand ready to be added. */
import { assert } from "../../base/errors.ts";
import type { DeviceId } from "../../base/ids.ts";
import { type Address, formatAddress, parseAddress } from "../../rpc/address.ts";
import type { BlockService } from "../../rpc/block-service.ts";
import { type BlockWays, bareLine } from "./block-line.ts";
import type { Peer } from "./calls.ts";
import { Drive } from "./drive.ts";
import { type DataserverSurroundings, SimDataserver } from "./sim-dataserver.ts";

const FIRST_ID = 201;
const RACKS = 4;
/** So many of them have two drives. */
const TWO_DRIVES = 2;

export class Machines {
  readonly servers: SimDataserver[] = [];
  readonly drives: Drive[] = [];
  readonly #around: DataserverSurroundings;

  constructor(count: number, around: DataserverSurroundings) {
    this.#around = around;
    for (let i = 0; i < count; i++) this.add(i < TWO_DRIVES ? 2 : 1);
  }

  /** One more host. */
  add(drives: number): SimDataserver {
    const i = this.servers.length;
    const location = { rack: `rack${i % RACKS}`, host: `host${i}` };
    const own = Array.from({ length: drives }, () => this.#drive());
    const server = new SimDataserver(FIRST_ID + i, location, own, this.#around);
    this.servers.push(server);
    return server;
  }

  at(address: Address): SimDataserver {
    const found = this.servers.find((one) => one.address === formatAddress(address));
    assert(found !== undefined, "addresses are those of dataservers");
    return found;
  }

  of(device: DeviceId): SimDataserver | undefined {
    return this.servers.find(({ drives }) => drives.some((drive) => drive.device === device));
  }

  driveOf(device: DeviceId): Drive | undefined {
    return this.drives.find((drive) => drive.device === device);
  }

  /** Where a user of bare needles finds a device: somebody told him. */
  blocksFor(ways: BlockWays, peer: Peer, device: DeviceId): BlockService {
    const { address } = this.of(device) ?? this.servers[0] ?? { address: "" };
    return bareLine(ways, peer, formatAddress(parseAddress(address)));
  }

  #drive(): Drive {
    const drive = new Drive(this.drives.length + 1);
    this.drives.push(drive);
    return drive;
  }
}
