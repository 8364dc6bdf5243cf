/** `quarry admin pool`: in how many pieces new blocks are stored, and over what they are spread. */
import { Command, InvalidArgumentError, Option } from "commander";
import type { Durability } from "../../base/append-file.ts";
import { QuarryError } from "../../base/errors.ts";
import { limits } from "../../base/limits.ts";
import type { ClusterMap } from "../../rpc/cluster-map.ts";
import type { Change, PoolSettings } from "../../rpc/commands.ts";
import type { PoolCapacity } from "../../rpc/health.ts";
import { type FailureDomain, failureDomains, type Pool, type PoolScheme } from "../../rpc/pool.ts";
import { formatBytes, parseDuration, parseSize } from "../objects/printable.ts";
import { withClusterOptions } from "../peers.ts";
import { type ClusterFlags, change, table, withCluster } from "./cluster-view.ts";
import { parseCount } from "./quantities.ts";

interface SettingFlags extends ClusterFlags {
  readonly name?: string;
  readonly scheme?: PoolScheme;
  readonly replicas?: number;
  readonly min?: number;
  readonly domain?: FailureDomain;
  readonly class?: string;
  readonly anyClass?: boolean;
  readonly pgs?: number;
  readonly blockSize?: number;
  readonly durability?: Durability;
  readonly cold?: PoolScheme;
  readonly coldAfter?: number;
  readonly neverCold?: boolean;
}

export function poolCommand(): Command {
  return new Command("pool")
    .description("pools: in how many pieces new blocks are stored, and over what they are spread")
    .addCommand(listCommand())
    .addCommand(
      withSettings(new Command("add").description("make a pool").argument("<name>")).action(
        (name: string, flags: SettingFlags) =>
          change(
            flags,
            (map) => {
              if (map.pools.some((pool) => pool.name === name))
                throw new QuarryError("InvalidArgument", `there is a pool ${name} already`);
              return { type: "createPool", name, settings: settingsOf(flags) };
            },
            () => `${name} is made; \`quarry admin class set\` says what goes to it`,
          ),
      ),
    )
    .addCommand(
      withSettings(
        new Command("set")
          .description("change a pool: blocks that are there keep their scheme until converted")
          .argument("<pool>", "its name or number"),
      )
        .option("--name <name>", "call it so")
        .option("--any-class", "use devices of all classes again")
        .option("--never-cold", "keep blocks as whole copies; stripes become whole again")
        .action((wanted: string, flags: SettingFlags) =>
          change(
            flags,
            (map) => ({
              type: "changePool",
              pool: findPool(map, wanted).id,
              ...(flags.name !== undefined && { name: flags.name }),
              change: {
                ...settingsOf(flags),
                ...(flags.anyClass === true && { deviceClass: null }),
                ...(flags.neverCold === true && { cold: null }),
              } satisfies Change<PoolSettings>,
            }),
            () => CHANGED,
          ),
        ),
    )
    .addCommand(
      withOutput(
        new Command("rm").description("remove an empty pool").argument("<pool>", "name or number"),
      ).action((wanted: string, flags: ClusterFlags) =>
        change(
          flags,
          (map) => ({ type: "removePool", pool: findPool(map, wanted).id }),
          () => `pool ${wanted} is removed`,
        ),
      ),
    );
}

const CHANGED =
  "changed: new blocks are as it says now, and those that are there move or are copied where that is needed; `quarry admin health` tells how far that is";
const COLD_AFTER_MS = 3_600_000;
const parseMs = (text: string): number => parseDuration(text) * 1000;

export const withOutput = (command: Command): Command =>
  withClusterOptions(command).option("--json", "for programs: one JSON object a line");

function withSettings(command: Command): Command {
  return withOutput(command)
    .option("--scheme <k+m>", "any k of k+m pieces give the data back, as in 4+2", parseScheme)
    .addOption(
      new Option("--replicas <n>", "n whole copies: the scheme 1+(n-1)")
        .argParser(parseCount)
        .conflicts("scheme"),
    )
    .option("--min <members>", "fewest members that a block is opened with", parseCount)
    .addOption(
      new Option("--domain <level>", "what no two members share").choices([...failureDomains]),
    )
    .option("--class <class>", "only devices of this class, as in ssd")
    .option("--pgs <n>", "placement groups, a power of two", parseCount)
    .option("--block-size <size>", "of new blocks, 16MiB to 1GiB (64MiB)", parseSize)
    .addOption(
      new Option(
        "--durability <mode>",
        "answer appends to new blocks on: commit (all members have them on disk), interval (within 200 ms after), none",
      ).choices(["commit", "interval", "none"]),
    )
    .option("--cold <k+m>", "write blocks that rest anew in stripes, as in 4+2", parseScheme)
    .option("--cold-after <time>", "when they have rested so long, as in 30m (1h)", parseMs);
}

function settingsOf(flags: SettingFlags) {
  const { scheme, replicas, min, domain, class: kind, pgs, blockSize, durability } = flags;
  const { cold, coldAfter } = flags;
  const wanted = scheme ?? (replicas === undefined ? undefined : { k: 1, m: replicas - 1 });
  return {
    ...(wanted !== undefined && { scheme: wanted }),
    ...(min !== undefined && { minMembers: min }),
    ...(domain !== undefined && { failureDomain: domain }),
    ...(kind !== undefined && { deviceClass: kind }),
    ...(pgs !== undefined && { pgNum: pgs }),
    ...(blockSize !== undefined && { blockBytes: blockSize }),
    ...(durability !== undefined && { durability }),
    ...(cold !== undefined && { cold: { scheme: cold, afterMs: coldAfter ?? COLD_AFTER_MS } }),
  } satisfies Partial<PoolSettings>;
}

export function parseScheme(text: string): PoolScheme {
  const [, k, m] = /^(\d{1,2})\+(\d{1,2})$/.exec(text) ?? [];
  if (k === undefined || m === undefined)
    throw new InvalidArgumentError("write data+parity, as in 4+2, or 1+2 for three copies");
  return { k: Number(k), m: Number(m) };
}

/** @throws QuarryError `NoSuchPool`, `InvalidArgument` when several have this name. */
export function findPool({ pools }: ClusterMap, wanted: string): Pool {
  const named = pools.filter(({ name }) => name === wanted);
  if (named.length > 1)
    throw new QuarryError("InvalidArgument", `several pools are called ${wanted}: say the number`);
  const found = named[0] ?? pools.find(({ id }) => String(id) === wanted);
  if (found === undefined) throw new QuarryError("NoSuchPool", `there is no pool ${wanted}`);
  return found;
}

/** `quarry admin pools`: the same as `pool ls`, for who looks around. */
export const poolsCommand = (): Command => listing("pools", "all pools, and how full they are");

const listCommand = (): Command => listing("ls", "all pools, and how full they are");

function listing(name: string, description: string): Command {
  return withOutput(new Command(name).description(description)).action((flags: ClusterFlags) =>
    withCluster(flags, async ({ map, names }) => {
      const { pools } = await names.capacity();
      const usage = (pool: Pool) => pools.find((one) => one.pool === pool.id);
      if (flags.json === true)
        for (const pool of map.pools) console.log(JSON.stringify({ ...pool, usage: usage(pool) }));
      else
        console.log(
          table(
            TITLES,
            map.pools.map((pool) => rowOf(pool, usage(pool))),
          ),
        );
    }),
  );
}

const TITLES = [
  ...["POOL", "NAME", "SCHEME", "MIN", "DOMAIN", "CLASS", "PGS", "BLOCK SIZE", "DURABILITY"],
  "COLD",
  ...["BLOCKS", "STORED", "USABLE"],
];

function rowOf(pool: Pool, usage: PoolCapacity | undefined): string[] {
  const { id, name, scheme, minMembers, failureDomain, deviceClass, pgNum, ...kept } = pool;
  return [
    String(id),
    name,
    `${scheme.k}+${scheme.m}`,
    String(minMembers),
    failureDomain,
    deviceClass ?? "any",
    String(pgNum),
    formatBytes(kept.blockBytes ?? limits.blockBytes),
    kept.durability ?? "commit",
    kept.cold === undefined ? "never" : `${kept.cold.scheme.k}+${kept.cold.scheme.m}`,
    String(usage?.blocks ?? 0),
    formatBytes(usage?.usedBytes ?? 0),
    formatBytes(usage?.usableBytes ?? 0),
  ];
}
