/** The state of a cluster as a table for people. */
import type { Health } from "../../rpc/health.ts";
import { headline, healingSummary } from "../admin/health-words.ts";
import { counted, formatBytes } from "../objects/printable.ts";
import type { MemberState } from "./member.ts";
import type { ClusterView, SeenDataserver, SeenGateway, SeenNameserver } from "./view.ts";

const NAME_WIDTH = 6;
const STATE_WIDTH = 11;
const BAR_WIDTH = 10;
/** What is wrong and told line by line. */
const CONCERNS = 4;
const UNTOLD = "how they stand no nameserver tells at the moment";

export function picture(view: ClusterView): string[] {
  const { nameservers, dataservers, gateways, epoch, directory, health, isTold } = view;
  const racks = Map.groupBy(dataservers, ({ rack }) => rack);
  const width = Math.max(...[...racks.keys()].map((rack) => rack.length)) + 2;
  const up = dataservers.filter(({ device }) => isUp(device)).length;
  const epochs = epoch === 0 ? "" : `, epoch ${epoch}`;
  const count = isTold ? `${up} of ${dataservers.length} up${epochs}` : UNTOLD;
  return [
    `Quarry cluster in ${directory}`,
    "",
    `nameservers  ${leadText(nameservers)}`,
    ...nameservers.map((one) => `  ${columns(one)}${standingText(one)}`),
    `dataservers  ${count}`,
    ...[...racks].flatMap(([rack, members]) =>
      members.map(
        (one, i) => `  ${(i === 0 ? rack : "").padEnd(width)}${dataserverText(one, isTold)}`,
      ),
    ),
    "gateways",
    ...gateways.map((one) => `  ${columns(one)}${one.url}${rateText(one)}`),
    ...(health === undefined ? [] : healthText(health)),
  ];
}

function healthText(health: Health): string[] {
  const { concerns, moreConcerns, healing } = health;
  const told = concerns.slice(0, CONCERNS).map(({ message }) => `  ${message}`);
  const left = concerns.length + moreConcerns - told.length;
  return [
    `health   ${headline(health)}`,
    ...told,
    ...(left > 0 ? [`  and ${left} more`] : []),
    ...(healing === undefined ? [] : [`healing  ${healingSummary(healing, health)}`]),
  ];
}

function columns({ name, state }: { readonly name: string; readonly state: MemberState }): string {
  const shown = state === "ready" ? "runs" : state;
  return `${name.padEnd(NAME_WIDTH)}${shown.padEnd(STATE_WIDTH)}`;
}

function leadText(nameservers: readonly SeenNameserver[]): string {
  const leader = nameservers.find(({ role }) => role === "leader");
  return leader === undefined
    ? "nobody leads: nothing can be changed"
    : `${leader.name} leads in term ${leader.term}`;
}

function standingText({ state, role, term, lag, address }: SeenNameserver): string {
  if (state !== "ready") return address;
  if (role === undefined) return `${address}  does not answer`;
  const behind = lag === undefined || lag === 0 ? "" : `  ${counted(lag, "entry")} behind`;
  return `${address}  ${role}, term ${term}${behind.replace("entrys", "entries")}`;
}

function dataserverText(one: SeenDataserver, isTold: boolean): string {
  return `${columns(one)}${isTold ? deviceText(one) : one.address}`;
}

function isUp(device: SeenDataserver["device"]): boolean {
  return device !== undefined && device.state !== "down";
}

function deviceText({ address, device }: SeenDataserver): string {
  if (device === undefined) return `${address}  has no device that the nameservers know`;
  const { state, isIn, totalBytes, freeBytes } = device;
  const usedBytes = totalBytes - freeBytes;
  const seen = state === "ok" ? "up" : state === "full" ? "up, full" : state;
  const standing = `${address}  ${`${seen}${isIn ? "" : ", out"}`.padEnd(8)}`;
  // Of one that this leader never heard nobody knows how full it is.
  if (state === "down" && freeBytes === 0) return `${standing}  of ${formatBytes(totalBytes)}`;
  return `${standing}  ${bar(usedBytes, totalBytes)} ${formatBytes(usedBytes)} of ${formatBytes(totalBytes)}`;
}

function bar(usedBytes: number, totalBytes: number): string {
  const share = totalBytes === 0 ? 0 : usedBytes / totalBytes;
  const full = Math.min(BAR_WIDTH, Math.round(share * BAR_WIDTH));
  return `[${"#".repeat(full)}${".".repeat(BAR_WIDTH - full)}]`;
}

const rateText = ({ requestsPerSecond }: SeenGateway) =>
  requestsPerSecond === undefined ? "" : `  ${requestsPerSecond.toFixed(0)} requests/s`;
