/** Carries out what was asked of a running cluster, and says in words what came of it. */
import { QuarryError, unreachable } from "../../base/errors.ts";
import type { NameService } from "../../rpc/name-service.ts";
import { parseLocation } from "../dataserver/location.ts";
import { counted, formatBytes, formatSeconds } from "../objects/printable.ts";
import { dropBallast, loadBallast } from "./ballast.ts";
import { flipBits } from "./corrupt.ts";
import { markDevices } from "./drain.ts";
import { dataOf, deviceOf } from "./folder.ts";
import type { Order } from "./orders.ts";
import { addressOf, membersOf, type PlannedMember } from "./plan.ts";
import { mostOf } from "./settings.ts";
import type { Supervisor } from "./supervisor.ts";

/** So many flips are told one by one. */
const TOLD_FLIPS = 20;

/** @throws QuarryError `InvalidArgument` for what cannot be done with this member now, `Closed`. */
export async function carryOut(
  cluster: Supervisor,
  names: NameService,
  order: Order,
): Promise<string[]> {
  cluster.checkRuns();
  switch (order.type) {
    case "kill":
      await cluster.member(order.member).kill();
      return [
        `${order.member} is killed; \`start ${order.member}\` brings it back`,
        ...(await healingAfter(cluster, names, order.member)),
      ];
    case "stop": {
      const inOrder = await cluster.member(order.member).stop();
      return [`${order.member} ${inOrder ? "has stopped" : "did not stop, and was killed"}`];
    }
    case "start":
      cluster.member(order.member).start();
      return [`${order.member} is started`];
    case "pause":
      cluster.member(order.member).pause();
      return [`${order.member} stands still`];
    case "resume":
      cluster.member(order.member).resume();
      return [`${order.member} goes on`];
    case "corrupt":
      return await corrupt(cluster, order);
    case "fill":
      return await fill(cluster, order);
    case "relieve":
      await dropBallast(deviceIn(cluster, order.member));
      return [`${order.member} has its room again`];
    case "drain":
      await markDevices(names, addressOf(dataserverIn(cluster, order.member)), false);
      return [
        `${order.member} is out: nothing new is put on it, and what it holds moves to where there is a place for it; \`undrain ${order.member}\` takes it in again`,
      ];
    case "undrain":
      await markDevices(names, addressOf(dataserverIn(cluster, order.member)), true);
      return [`${order.member} is in again: its share of the data moves to it`];
    case "forget":
      return forgetWords(cluster, await cluster.forget(order.member));
    case "add":
      return await add(cluster, order);
    default:
      return unreachable(order);
  }
}

/** Of a dataserver: when what it held is made anew. */
async function healingAfter(
  cluster: Supervisor,
  names: NameService,
  member: string,
): Promise<string[]> {
  if (cluster.plan.members.find(({ name }) => name === member)?.kind !== "dataserver") return [];
  // Perhaps nobody leads just now: then it is not told.
  const healing = await names.health().then(
    (health) => health.healing,
    () => undefined,
  );
  if (healing === undefined) return [];
  const { paused, outAfterMs } = healing.settings;
  if (paused) return ["healing is paused: what it held is made anew when that goes on"];
  if (outAfterMs === 0) return [`what it held is made anew elsewhere after \`drain ${member}\``];
  return [
    `when it stays away for ${formatSeconds(outAfterMs / 1000)}, what it held is made anew elsewhere, where there are pieces and a place; at once after \`drain ${member}\``,
  ];
}

async function corrupt(
  cluster: Supervisor,
  { member, flips, seed }: Extract<Order, { type: "corrupt" }>,
): Promise<string[]> {
  const done = await flipBits(deviceIn(cluster, member), { flips, seed });
  const told = done.slice(0, TOLD_FLIPS);
  return [
    `flipped ${counted(flips, "bit")} of ${member} (seed ${seed}):`,
    ...told.map(({ file, offset, bit }) => `  ${file} byte ${offset} bit ${bit}`),
    ...(told.length < flips ? [`  and ${flips - told.length} more`] : []),
    `it is found where it is read, or when the scrub comes by (within a day; soon after \`kill ${member}\` and \`start ${member}\`), and made anew from pieces elsewhere if there are enough`,
  ];
}

async function fill(
  cluster: Supervisor,
  { member, freeBytes }: Extract<Order, { type: "fill" }>,
): Promise<string[]> {
  const { diskBytes } = cluster.plan;
  const isLeft = await loadBallast(deviceIn(cluster, member), diskBytes, freeBytes);
  if (!isLeft)
    throw wrong(
      `${member} has no ${formatBytes(freeBytes)} free: its disk has ${formatBytes(diskBytes)}`,
    );
  return [
    `${formatBytes(freeBytes)} of ${formatBytes(diskBytes)} are free at ${member} now; \`relieve ${member}\` gives it its room back`,
  ];
}

async function add(
  cluster: Supervisor,
  { kind, rack }: Extract<Order, { type: "add" }>,
): Promise<string[]> {
  if (rack !== undefined && kind !== "dataserver") throw wrong(`only a dataserver has a rack`);
  if (rack !== undefined) parseLocation(`${rack}/host`);
  if (membersOf(cluster.plan, kind).length >= mostOf[kind])
    throw wrong(`one machine runs at most ${mostOf[kind]} of these`);
  const added = await cluster.add(kind, rack === undefined ? {} : { rack });
  const where = added.rack === undefined ? "" : ` in ${added.rack}`;
  return [`${added.name} is started at ${addressOf(added)}${where}`];
}

/** What else may name it. */
function forgetWords({ directory }: Supervisor, { name, kind }: PlannedMember): string[] {
  const told = `${name} is no member any more; ${dataOf(directory, name)} is left as it is`;
  switch (kind) {
    case "nameserver":
      return [`${told}; \`quarry admin nameserver remove\` takes it out of the group`];
    case "dataserver":
      return [
        `${told}; \`quarry admin device out\` and \`rm\` take its device from the cluster map`,
      ];
    case "gateway":
      return [`${name} is no member any more`];
    default:
      return unreachable(kind);
  }
}

function deviceIn(cluster: Supervisor, name: string): string {
  return deviceOf(cluster.directory, dataserverIn(cluster, name).name);
}

/** @throws QuarryError `InvalidArgument` for what is no dataserver. */
function dataserverIn(cluster: Supervisor, name: string): PlannedMember {
  cluster.member(name);
  const planned = cluster.plan.members.find((one) => one.name === name);
  if (planned?.kind !== "dataserver") throw wrong(`${name} is no dataserver: it stores no blocks`);
  return planned;
}

const wrong = (message: string) => new QuarryError("InvalidArgument", message);
