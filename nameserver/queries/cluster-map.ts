/** The cluster map as the state has it, read anew only when its epoch has changed. */
import type { DeviceId, ServerId } from "../../base/ids.ts";
import type { ClusterMap, MappedDataserver, MappedDevice } from "../../rpc/cluster-map.ts";
import type { Group } from "../group/group.ts";
import { KeyReader, keys, prefixEnd, prefixOf, type Tag } from "../keyspace.ts";
import { decodeRow } from "../row-codec.ts";
import type { DataserverRow, DeviceRow } from "../rows.ts";
import type { StateReads } from "../state-store.ts";
import { read } from "./read.ts";

const PAGE = 1_000;

export class CurrentMap {
  readonly #state: Group["state"];
  #map: ClusterMap = { epoch: 0, dataservers: [], devices: [] };
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

  async device(device: DeviceId): Promise<MappedDevice | undefined> {
    await this.get();
    return this.#devices.get(device);
  }

  async #read(): Promise<void> {
    await using view = this.#state.snapshot();
    const epoch = read(view, keys.map())?.epoch ?? 0;
    const dataservers: MappedDataserver[] = [];
    for await (const { id, row } of rowsOf<DataserverRow>(view, "dataserver"))
      dataservers.push({ server: id as ServerId, ...row });
    const devices: MappedDevice[] = [];
    for await (const { id, row } of rowsOf<DeviceRow>(view, "device"))
      devices.push({ device: id as DeviceId, ...row });
    devices.sort((a, b) => a.number - b.number);
    this.#map = { epoch, dataservers, devices };
    this.#servers = new Map(dataservers.map((one) => [one.server, one]));
    this.#devices = new Map(devices.map((one) => [one.device, one]));
  }
}

async function* rowsOf<Row>(state: StateReads, tag: Tag): AsyncGenerator<{ id: string; row: Row }> {
  await using cursor = state.range(prefixOf(tag), prefixEnd(prefixOf(tag)));
  for (let page = await cursor.next(PAGE); page.length > 0; page = await cursor.next(PAGE))
    for (const { key, value } of page)
      yield { id: new KeyReader(key).text(), row: decodeRow<Row>(key, value) };
}
