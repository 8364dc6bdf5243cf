/** `npm run faults -- NAME [--rounds N] [--seed S]`: prints, as its last line, JSON with its counts. */
import { parseArgs } from "node:util";
import { faces } from "../faces/faces.ts";
import { bitFlipLog } from "./bit-flip-log.ts";
import { bitFlips } from "./bit-flips.ts";
import { chaos } from "./chaos.ts";
import { cold } from "./cold.ts";
import { fullDisk } from "./full-disk.ts";
import { grow } from "./grow.ts";
import { kill } from "./kill.ts";
import { leaderKill } from "./leader-kill.ts";
import { lostDataserver } from "./lost-dataserver.ts";
import { manyNeedles } from "./many-needles.ts";
import { membersLost } from "./members-lost.ts";
import { metadataLoss } from "./metadata-loss.ts";
import { partition } from "./partition.ts";
import { pause } from "./pause.ts";
import { rot } from "./rot.ts";
import { syncError } from "./sync-error.ts";
import { tooManyLost } from "./too-many-lost.ts";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string", default: "20" },
    /** How long, for faults that go on for a time. */
    seconds: { type: "string", default: "60" },
    /** Of all clients together. */
    operations: { type: "string", default: "10000" },
    /** Of a group of nameservers. */
    members: { type: "string", default: "3" },
    /** Of a cluster; 0: clients talk to nameservers. */
    gateways: { type: "string", default: "2" },
    /** How long the leader stands still, in seconds. */
    pause: { type: "string", default: "30" },
    /** Written in each round; of a cluster at the beginning. */
    objects: { type: "string" },
    /** Of a cluster: k+m, and dataservers, each a host. */
    scheme: { type: "string", default: "1+2" },
    hosts: { type: "string" },
    needles: { type: "string", default: "10000000" },
    /** What a dataserver holds that is lost. */
    gib: { type: "string", default: "1" },
    /** Seconds that chaos waits until garbage is swept; 0: it is not looked for. */
    sweep: { type: "string", default: "300" },
    /** Bits that rot. */
    flips: { type: "string", default: "10000" },
    /** Put out instead of lost. */
    drain: { type: "boolean", default: false },
    seed: { type: "string", default: "1" },
    /** More flags for `quarry serve`, as in --serve=--gateways=1. */
    serve: { type: "string", multiple: true, default: [] },
  },
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
const members = Number(values.members);
const gateways = Number(values.gateways);
const seed = Number(values.seed);
const pauseMs = Number(values.pause) * 1000;
const { scheme } = values;
const hosts = Number(values.hosts ?? (scheme === "1+2" && positionals[0] !== "cold" ? 4 : 8));
const objectsOr = (count: number) => Number(values.objects ?? count);
const say = (line: string) => console.log(line);
const faults: Record<string, () => Promise<object>> = {
  "bit-flips": () => bitFlips({ rounds, seed }),
  "bit-flip-log": () => bitFlipLog({ seconds, members, seed, say }),
  kill: () => kill({ rounds, seed, serveArgs: values.serve, say }),
  "leader-kill": () => leaderKill({ seconds, members, gateways, seed, say }),
  "metadata-loss": () => metadataLoss({ rounds, seed, objects: objectsOr(3000), say }),
  "lost-dataserver": () =>
    lostDataserver({
      ...{ seconds: Math.max(seconds, 60), seed, scheme, hosts, say, isJudged: true },
      ...{ gib: Number(values.gib), drain: values.drain },
    }),
  chaos: () => chaos({ seconds, seed, scheme, hosts, say, sweepSeconds: Number(values.sweep) }),
  grow: () =>
    grow({
      ...{ seconds: Math.max(seconds, 300), seed, scheme, say },
      ...{ hosts: Number(values.hosts ?? 7), objects: objectsOr(3_000) },
    }),
  cold: () =>
    cold({
      ...{ seconds: Math.max(seconds, 300), seed, hosts, say },
      ...{ scheme: scheme === "1+2" ? "4+2" : scheme, objects: objectsOr(20_000) },
    }),
  rot: () =>
    rot({
      ...{ seconds, seed, scheme, hosts, objects: objectsOr(300), say },
      flips: Number(values.flips),
    }),
  faces: () => faces({ operations: Number(values.operations), seconds, seed, say }),
  "many-needles": () => manyNeedles({ needles: Number(values.needles), seed, say }),
  "members-lost": () => membersLost({ seconds, seed, scheme, hosts, objects: objectsOr(200), say }),
  "too-many-lost": () => tooManyLost({ seconds, seed, scheme, hosts, objects: objectsOr(60), say }),
  "sync-error": () => syncError({ seconds, members, seed, say }),
  "full-disk": () => fullDisk({ seconds, members, seed, say }),
  partition: () => partition({ seconds, members, seed, say }),
  pause: () => pause({ seconds, members, seed, pauseMs, say }),
};
const fault = faults[positionals[0] ?? ""];
if (fault === undefined) {
  console.error(
    `usage: npm run faults -- ${Object.keys(faults).join("|")} [--rounds N | --seconds N] [--seed S]`,
  );
  process.exitCode = 2;
} else {
  const counts = await fault();
  console.log(JSON.stringify(counts));
  if ("violations" in counts && counts.violations !== 0) process.exitCode = 1;
}
