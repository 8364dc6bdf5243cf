/** Asks all members of a cluster how they stand. Who does not answer soon is told as silent. */
import type { Clock } from "../../base/clock.ts";
import { hasCode } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import type { Random } from "../../base/random.ts";
import { LeaderNames } from "../../client/leader.ts";
import { parseAddress } from "../../rpc/address.ts";
import type { DeviceStatus } from "../../rpc/block-service.ts";
import { RpcClient } from "../../rpc/client.ts";
import type { ClusterMap } from "../../rpc/cluster-map.ts";
import { connect } from "../../rpc/connect.ts";
import type { MemberStatus } from "../../rpc/group-service.ts";
import type { Health } from "../../rpc/health.ts";
import { groupTable } from "../../rpc/tables.ts";
import { addressOf, membersOf, type PlannedMember } from "./plan.ts";
import { RequestRate } from "./request-rate.ts";
import type { Supervisor } from "./supervisor.ts";
import type {
  ClusterView,
  SeenDataserver,
  SeenGateway,
  SeenMember,
  SeenNameserver,
} from "./view.ts";

export interface ObserverOptions {
  readonly cluster: Supervisor;
  readonly secret: Uint8Array;
  readonly clock: Clock;
  readonly random: Random;
}

interface Told {
  readonly map?: ClusterMap;
  readonly devices: readonly DeviceStatus[];
  readonly health?: Health;
}

export class Observer implements AsyncDisposable {
  readonly #options: ObserverOptions;
  /** By address. */
  readonly #lines = new Map<string, RpcClient>();
  readonly #rates = new Map<string, RequestRate>();
  readonly #leader: LeaderNames;
  #looking: Promise<ClusterView> | undefined;

  constructor(options: ObserverOptions) {
    this.#options = options;
    const { secret, clock, random, cluster } = options;
    this.#leader = new LeaderNames({
      ...{ secret, clock, random, patienceMs: limits.clusterTellMs },
      addresses: cluster.nameservers,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const line of this.#lines.values()) line.close();
    await this.#leader[Symbol.asyncDispose]();
  }

  /** Those who look at the same time see the same. */
  async look(): Promise<ClusterView> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
    });
    return await this.#looking;
  }

  async #look(): Promise<ClusterView> {
    const { plan, directory } = this.#options.cluster;
    const nameservers = membersOf(plan, "nameserver");
    const [statuses, told, gateways] = await Promise.all([
      Promise.all(nameservers.map((one) => this.#status(one))),
      this.#told(),
      Promise.all(membersOf(plan, "gateway").map((one) => this.#gateway(one))),
    ]);
    const leader = leading(statuses);
    return {
      ...{ directory, gateways, isTold: told !== undefined, epoch: told?.map?.epoch ?? 0 },
      ...(told?.health && { health: told.health }),
      nameservers: nameservers.map((one, i) => ({
        ...this.#seen(one),
        ...standing(statuses[i], leader),
      })),
      dataservers: membersOf(plan, "dataserver").map((one) => ({
        ...this.#seen(one),
        rack: one.rack ?? "",
        ...(told && deviceAt(addressOf(one), told)),
      })),
    };
  }

  #seen(planned: PlannedMember): SeenMember {
    const { name } = planned;
    const { state, pid } = this.#options.cluster.member(name);
    return { name, state, pid, address: addressOf(planned) };
  }

  /** Undefined for who does not answer: that is all there is to say of it. */
  async #status(planned: PlannedMember): Promise<MemberStatus | undefined> {
    if (this.#options.cluster.member(planned.name).state !== "ready") return undefined;
    const address = addressOf(planned);
    const { secret, clock, random } = this.#options;
    const line =
      this.#lines.get(address) ??
      new RpcClient({
        ...{ address: parseAddress(address), secret, clock, random },
        deadlineMs: limits.clusterLookMs,
      });
    this.#lines.set(address, line);
    return await connect(groupTable, line)
      .status()
      .catch(() => undefined);
  }

  async #told(): Promise<Told | undefined> {
    const { names } = this.#leader;
    const health = names.health().catch((error: unknown) => {
      // A nameserver of a version before does not say.
      if (hasCode(error, "NotImplemented")) return undefined;
      throw error;
    });
    const asked = Promise.all([names.clusterMap(0), names.deviceStates(), health]);
    return await asked.then(
      ([{ map }, devices, found]) => ({
        ...{ devices, ...(found && { health: found }) },
        ...(map && { map }),
      }),
      () => undefined, // no leader: that the nameservers show
    );
  }

  async #gateway(planned: PlannedMember): Promise<SeenGateway> {
    const seen = this.#seen(planned);
    const url = `http://${seen.address}`;
    const rate = this.#rates.get(url) ?? new RequestRate(url, this.#options.clock);
    this.#rates.set(url, rate);
    const requestsPerSecond = seen.state === "ready" ? await rate.now() : undefined;
    return { ...seen, url, ...(requestsPerSecond !== undefined && { requestsPerSecond }) };
  }
}

function leading(statuses: readonly (MemberStatus | undefined)[]): MemberStatus | undefined {
  return statuses
    .filter((status) => status?.role === "leader")
    .toSorted((a, b) => (b?.term ?? 0) - (a?.term ?? 0))[0];
}

function standing(
  status: MemberStatus | undefined,
  leader: MemberStatus | undefined,
): Pick<SeenNameserver, "role" | "term" | "lag"> {
  if (status === undefined) return {};
  const { role, term, applied } = status;
  return { role, term, ...(leader && { lag: Math.max(0, leader.commit - applied) }) };
}

/** Of a folder that was wiped the device of before stands there, too: what is up tells how it is. */
export function deviceAt(address: string, { map, devices }: Told): Pick<SeenDataserver, "device"> {
  const servers = (map?.dataservers ?? []).filter((one) => one.address === address);
  const standing = (map?.devices ?? []).flatMap((device) => {
    const status = devices.find((one) => one.device === device.device);
    const isHere = servers.some(({ server }) => server === device.server);
    return isHere && status !== undefined ? [{ status, isIn: device.in }] : [];
  });
  const shown = standing.find(({ status }) => status.state !== "down") ?? standing[0];
  if (shown === undefined) return {};
  const { state, totalBytes, freeBytes } = shown.status;
  return { device: { state, isIn: shown.isIn, totalBytes, freeBytes } };
}
