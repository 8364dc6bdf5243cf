/** The cluster map as the state has it, read anew only when its epoch has changed. */
import type { DeviceId, ServerId } from "../../base/ids.ts";
import {
  type ClusterMap,
  emptyMap,
  type MappedDataserver,
  type MappedDevice,
  type Place,
} from "../../rpc/cluster-map.ts";
import { firstPool, type Pool, STANDARD, type StorageClass } from "../../rpc/pool.ts";
import type { Group } from "../group/group.ts";
import { KeyReader, keys, prefixEnd, prefixOf, type Tag } from "../keyspace.ts";
import { decodeRow } from "../row-codec.ts";
import type {
  BlockRangeRow,
  DataserverRow,
  DeviceRow,
  PlaceRow,
  PoolRow,
  StorageClassRow,
} from "../rows.ts";
import type { StateReads } from "../state-store.ts";
import { read } from "./read.ts";

const PAGE = 1_000;

export class CurrentMap {
  readonly #state: Group["state"];
  #map: ClusterMap = emptyMap;
  #servers = new Map<ServerId, MappedDataserver>();
  #devices = new Map<DeviceId, MappedDevice>();
  #reading: Promise<void> | undefined;

  constructor(state: Group["state"]) {
    this.#state = state;
  }

  /** Of what is applied. */
  get epoch(): number {
    return read(this.#state, keys.map())?.epoch ?? 0;
  }

  async get(): Promise<ClusterMap> {
    while (this.#map.epoch !== this.epoch) {
      this.#reading ??= this.#read().finally(() => {
        this.#reading = undefined;
      });
      await this.#reading;
    }
    return this.#map;
  }

  async dataserver(server: ServerId): Promise<MappedDataserver | undefined> {
    await this.get();
    return this.#servers.get(server);
  }

  /** As it was read last. */
  known(device: DeviceId): MappedDevice | undefined {
    return this.#devices.get(device);
  }

  async device(device: DeviceId): Promise<MappedDevice | undefined> {
    await this.get();
    return this.#devices.get(device);
  }

  /** host:port of the dataserver that has a device. */
  async addressOf(id: DeviceId): Promise<string | undefined> {
    const device = await this.device(id);
    return device && this.#servers.get(device.server)?.address;
  }

  async #read(): Promise<void> {
    await using view = this.#state.snapshot();
    this.#map = await readMap(view);
    this.#servers = new Map(this.#map.dataservers.map((one) => [one.server, one]));
    this.#devices = new Map(this.#map.devices.map((one) => [one.device, one]));
  }
}

export async function readMap(view: StateReads): Promise<ClusterMap> {
  const devices = await all(view, "device", (key, row: DeviceRow): MappedDevice => {
    return { device: key.text() as DeviceId, ...row };
  });
  const pools = await all(view, "pool", (key, row: PoolRow): Pool => {
    const { blocks: _, smallOf: _small, largeOf: _large, ...pool } = row;
    return { id: key.u32(), ...pool };
  });
  const classes = await all(view, "storageClass", (key, row: StorageClassRow): StorageClass => {
    return { name: key.text(), ...row };
  });
  const places = await all(view, "place", placeOf);
  return {
    epoch: read(view, keys.map())?.epoch ?? 0,
    dataservers: await all(view, "dataserver", (key, row: DataserverRow): MappedDataserver => {
      return { server: key.text() as ServerId, ...row };
    }),
    devices: devices.sort((a, b) => a.number - b.number),
    places: places.sort((a, b) => b.id - a.id),
    pools: pools.some(({ id }) => id === firstPool.id) ? pools : [firstPool, ...pools],
    ranges: await all(view, "blockRange", (key, row: BlockRangeRow) => {
      return { range: key.u32(), pool: row.pool };
    }),
    storageClasses: classes.some(({ name }) => name === STANDARD.name)
      ? classes
      : [STANDARD, ...classes],
  };
}

function placeOf(key: KeyReader, { id, shadows }: PlaceRow): Place {
  const above = key.u32();
  const type = key.text() as Place["type"];
  return { id, ...(above !== 0 && { parent: -above }), type, name: key.text(), shadows };
}

async function all<Row, One>(
  state: StateReads,
  tag: Tag,
  one: (key: KeyReader, row: Row) => One,
): Promise<One[]> {
  const found: One[] = [];
  await using cursor = state.range(prefixOf(tag), prefixEnd(prefixOf(tag)));
  for (let page = await cursor.next(PAGE); page.length > 0; page = await cursor.next(PAGE))
    for (const { key, value } of page)
      found.push(one(new KeyReader(key), decodeRow<Row>(key, value)));
  return found;
}
