/** What a nameserver knows of the dataservers: the map, who of them is up, and the way to them. */
import type { Clock } from "../base/clock.ts";
import { assert, QuarryError } from "../base/errors.ts";
import type { DeviceId } from "../base/ids.ts";
import type { Random } from "../base/random.ts";
import { formatAddress } from "../rpc/address.ts";
import type { BlockService } from "../rpc/block-service.ts";
import type { MapAnswer } from "../rpc/cluster-map.ts";
import type { Command } from "../rpc/commands.ts";
import { type BlockLine, Dataservers } from "./dataservers.ts";
import type { Group } from "./group/group.ts";
import type { Membership } from "./group/membership.ts";
import type { Roster } from "./group/roster.ts";
import type { GroupTime } from "./group-time.ts";
import { Survey } from "./health/survey.ts";
import { Liveness } from "./liveness.ts";
import { NeedleReports } from "./needle-reports.ts";
import { Losses } from "./planner/losses.ts";
import { CurrentMap } from "./queries/cluster-map.ts";
import { Puller } from "./stock/puller.ts";
import type { Stock } from "./stock/stock.ts";

export interface ClusterOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Is told what time dataservers have. */
  readonly time?: GroupTime;
  /** Default: the dataservers of the map, who know the secret of the group. */
  readonly blocks?: BlockService;
  readonly member?: Pick<Membership, "secret" | "tls">;
  readonly report: (message: string) => void;
  /** How to talk to a dataserver, host:port; default: over sockets. */
  readonly open?: (address: string) => BlockLine;
}

export interface Cluster extends AsyncDisposable {
  readonly liveness: Liveness;
  readonly blocks: BlockService;
  readonly map: CurrentMap;
  /** What readers found; for the planner. */
  readonly needleReports: NeedleReports;
  /** Needles that are lost, as far as this nameserver found out while it leads. */
  readonly losses: Losses;
  /** What the devices hold, as far as they were heard. */
  readonly stock: Stock;
  /** How all of it stands. */
  readonly survey: Survey;
  /** When a device was last heard of, by the monotonic clock. */
  heardMs(device: DeviceId): number | undefined;
  answer(newerThan: number): Promise<MapAnswer>;
  /**
   * @throws QuarryError `Locked` while the same dataserver is up at another address, or one of these
   * devices on another dataserver.
   */
  admit(registration: Registration): Promise<void>;
}

export type Registration = Extract<Command, { type: "registerDataserver" }>;

async function admit(
  { server, address, devices }: Registration,
  map: CurrentMap,
  liveness: Liveness,
): Promise<void> {
  const known = await map.dataserver(server);
  if (known !== undefined && known.address !== address && liveness.isHeard(server))
    throw new QuarryError(
      "Locked",
      `the dataserver at ${known.address}, which was heard of just now, has this folder or a copy of it; only when it is gone this one takes its place`,
    );
  for (const { device, path = device } of devices) {
    const before = await map.device(device);
    if (before === undefined || before.server === server || !liveness.isServed(before)) continue;
    const other = await map.dataserver(before.server);
    throw new QuarryError(
      "Locked",
      `${path} is device ${device}, which the dataserver at ${other?.address} serves at ${before.path ?? "another path"}: one of the two is a copy; take it from the --data of one of them, or stop that one`,
    );
  }
}

export function openCluster(options: ClusterOptions, group: Group, roster?: Roster): Cluster {
  const { clock, random, member, open } = options;
  const map = new CurrentMap(group.state);
  const liveness = new Liveness(map, clock, {
    get applied() {
      return group.applied;
    },
    nameservers: () => [...(roster?.addresses.values() ?? [])].map(formatAddress),
    ...(options.time && { heardTime: (server, wallMs) => options.time?.heard(server, wallMs) }),
  });
  const dataservers =
    member &&
    new Dataservers({
      map,
      liveness,
      secret: member.secret,
      ...(member.tls && { tls: member.tls }),
      ...(open && { open }),
      clock,
      random,
    });
  const blocks = options.blocks ?? dataservers;
  assert(blocks !== undefined, "a nameserver without a group is given its blocks");
  const heardMs = (device: DeviceId) => {
    const server = map.known(device)?.server;
    return server && liveness.heardMs(server);
  };
  const puller = new Puller({ group, blocks, clock, heardMs, report: options.report });
  return {
    liveness,
    blocks,
    map,
    stock: puller.stock,
    heardMs,
    survey: new Survey({
      group,
      blocks,
      map: () => map.get(),
      stock: puller.stock,
      clock,
      report: options.report,
    }),
    needleReports: new NeedleReports(),
    losses: new Losses(),
    async answer(newerThan) {
      const now = await map.get();
      const states = await liveness.devices();
      const down = states.filter(({ state }) => state === "down").map(({ device }) => device);
      const { epoch } = now;
      return { epoch, ...(epoch > newerThan && { map: now }), down };
    },
    admit: (registration) => admit(registration, map, liveness),
    async [Symbol.asyncDispose]() {
      // Whoever is asked just now does not keep the end waiting.
      await Promise.all([puller[Symbol.asyncDispose](), dataservers?.[Symbol.asyncDispose]()]);
    },
  };
}
