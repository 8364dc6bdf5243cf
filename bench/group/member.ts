/** One nameserver of the group that is measured: as `quarry nameserver`, with a device that takes all. */
import { mkdirSync, readFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { systemClock } from "../../base/clock.ts";
import type { Disk, DiskFile } from "../../base/disk.ts";
import { nodeDisk } from "../../base/disk-node.ts";
import { assert } from "../../base/errors.ts";
import type { DeviceId, NodeId } from "../../base/ids.ts";
import { systemRandom } from "../../base/random.ts";
import { groupService } from "../../nameserver/group/group-service.ts";
import { openNameserver } from "../../nameserver/nameserver.ts";
import type { BlockService } from "../../rpc/block-service.ts";
import { serve } from "../../rpc/serve.ts";
import { RpcServer } from "../../rpc/server.ts";
import { groupTable, nameTable } from "../../rpc/tables.ts";
import { type MemberCounts, type MemberOrder, secret } from "./messages.ts";

const blocks = {
  devices: async () => [
    { device: "bench" as DeviceId, path: "/", totalBytes: 1, freeBytes: 1, state: "ok" as const },
  ],
  blocks: async () => [],
  createBlock: async () => undefined,
} as unknown as BlockService;

const log = { syncs: 0, bytes: 0 };

/** Counts what goes to the log. */
const disk: Disk = {
  ...nodeDisk,
  open: async (path, mode) => {
    const file = await nodeDisk.open(path, mode);
    return path.includes("/log/") ? counted(file) : file;
  },
};

function counted(file: DiskFile): DiskFile {
  const { write, sync } = file;
  return Object.assign(file, {
    write: (parts: readonly Uint8Array[], offset: number) => {
      for (const { length } of parts) log.bytes += length;
      return write.call(file, parts, offset);
    },
    sync: () => {
      log.syncs++;
      return sync.call(file);
    },
  });
}

const order = JSON.parse(process.argv[2] ?? "") as MemberOrder;
mkdirSync(order.directory, { recursive: true });
const addresses = new Map(
  Object.entries(order.ports).map(([node, port]) => [
    Number(node) as NodeId,
    { host: "127.0.0.1", port },
  ]),
);
const seams = { clock: systemClock, random: systemRandom, report: console.error };
const node = order.node as NodeId;
const nameserver = await openNameserver({
  ...seams,
  ...{ disk, blocks, directory: order.directory },
  ...{ durability: "commit", reads: order.reads },
  member: { node, addresses, secret, founds: true },
});
const { group, roster, answers } = nameserver;
assert(roster !== undefined && answers !== undefined, "one of several knows the others");
const server = await RpcServer.listen({
  ...seams,
  ...{ secret, address: { host: "127.0.0.1", port: order.ports[order.node] ?? 0 } },
  services: [
    serve(nameserver, nameTable),
    serve(groupService(group, roster, answers, systemClock), groupTable),
  ],
});
const delay = monitorEventLoopDelay({ resolution: 2 });
delay.enable();

function memoryBytes(kind: "RssAnon" | "RssFile"): number {
  const line = new RegExp(`^${kind}:\\s+(\\d+) kB`, "m");
  return Number(line.exec(readFileSync("/proc/self/status", "latin1"))?.[1] ?? 0) * 1024;
}

function counts(): MemberCounts {
  const { user, system } = process.cpuUsage();
  const thread = process.threadCpuUsage();
  const stallMs = delay.max / 1e6;
  delay.reset();
  return {
    isLeader: group.isLeader,
    cpuMicros: user + system,
    threadMicros: thread.user + thread.system,
    entries: group.applied,
    rssBytes: memoryBytes("RssAnon"),
    mappedBytes: memoryBytes("RssFile"),
    syncs: log.syncs,
    logBytes: log.bytes,
    stallMs,
  };
}

process.on("message", async (asked) => {
  if (asked === "counts") process.send?.(counts());
  else {
    await server.close();
    await nameserver[Symbol.asyncDispose]();
    process.disconnect?.();
  }
});
process.once("disconnect", () => process.exit());
process.send?.("ready");
