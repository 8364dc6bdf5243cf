/**
 * The tracker: which storage takes a new file, and which has one. There is one storage for each group
 * and client, wherever this gateway is reached. Bodies by command:
 *
 *   101, 106  where to store                → group 16, address 15, port u64, path index 1
 *   104, 107  where to store in a group     group 16 → the same
 *   102, 105  where to read (one, all)      group 16, key → group 16, address 15, port u64
 *   103       where to change               the same
 *   75        parameters                    → lines of name=value
 *   90 … 98   for monitors: stat-records.ts
 *
 * An IPv6 address takes 45 bytes instead of 15.
 */
import { isIPv6 } from "node:net";
import { QuarryError } from "../../base/errors.ts";
import type { Connection } from "./connection.ts";
import { BodyReader, padded, type RequestHead, u64 } from "./frame.ts";
import type { Handler } from "./server.ts";
import { ClusterView, type Monitored, trackerRecord } from "./stat-records.ts";

const GROUP_BYTES = 16;

export interface Group {
  readonly name: string;
  /** Of its storage. */
  readonly port: number;
}

export interface TrackerOptions {
  /** At least one. */
  readonly groups: readonly Group[];
  readonly addressFor: (connection: Connection) => string;
  readonly monitored: Monitored;
}

const parameters = [
  "use_storage_id=0",
  "id_type_in_filename=ip",
  "storage_ip_changed_auto_adjust=0",
  "storage_sync_file_max_delay=0",
  "store_path=0",
  "reserved_storage_space=0MB",
  "use_trunk_file=0",
].join("\n");

export class TrackerHandler implements Handler {
  readonly #options: TrackerOptions;
  #turn = 0;

  constructor(options: TrackerOptions) {
    this.#options = options;
  }

  async handle(head: RequestHead, connection: Connection): Promise<void> {
    const body = new BodyReader(await connection.read(head.lengthBytes));
    const address = this.#options.addressFor(connection);
    await connection.answer(await this.#answer(head.command, body, address, connection));
  }

  async #answer(
    command: number,
    body: BodyReader,
    address: string,
    connection: Connection,
  ): Promise<Buffer> {
    switch (command) {
      case 101:
      case 106:
        return Buffer.concat([place(this.#next(), address), Buffer.alloc(1)]);
      case 104:
      case 107:
        return Buffer.concat([place(this.#group(body), address), Buffer.alloc(1)]);
      case 102:
      case 103:
      case 105:
        return place(this.#group(body), address);
      case 75:
        return Buffer.from(parameters);
      case 95:
        return Buffer.from(`${bracketed(address)}:${connection.socket.localPort ?? 0}`);
      case 96:
        return trackerRecord(
          `${bracketed(address)}:${connection.socket.localPort ?? 0}`,
          this.#options.monitored,
        );
      default:
        return await this.#monitor(command, body, address);
    }
  }

  async #monitor(command: number, body: BodyReader, address: string): Promise<Buffer> {
    const { groups, monitored } = this.#options;
    const view = async (some: readonly Group[]) => await ClusterView.of(monitored, some, address);
    switch (command) {
      case 90:
        return (await view([this.#group(body)])).groupRecords();
      case 91:
        return (await view(groups)).groupRecords();
      case 92:
        return (await view([this.#group(body)])).storageRecords(body.rest());
      case 97:
        return (await view(groups)).storageCluster();
      case 98:
        return (await view(groups)).volumes();
      default:
        throw new QuarryError("NotImplemented", `there is no command ${command}`);
    }
  }

  #next(): Group {
    const { groups } = this.#options;
    const group = groups[this.#turn++ % groups.length];
    if (group === undefined) throw new QuarryError("NoSuchBucket", "there is no group");
    return group;
  }

  #group(body: BodyReader): Group {
    const name = body.text(GROUP_BYTES);
    const group = this.#options.groups.find((one) => one.name === name);
    if (group === undefined) throw new QuarryError("NoSuchBucket", `there is no group ${name}`);
    return group;
  }
}

const bracketed = (address: string) => (isIPv6(address) ? `[${address}]` : address);

function place({ name, port }: Group, address: string): Buffer {
  const addressBytes = isIPv6(address) ? 45 : 15;
  return Buffer.concat([padded(name, GROUP_BYTES), padded(address, addressBytes), u64(port)]);
}
