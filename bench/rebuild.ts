/**
 * A lost member made anew beside `cp` of the same bytes between two of the folders: `node
 * bench/rebuild.ts [--blocks 6] [--at-once 1,2,4] [--only 1+2/4,4+2/64] [--dir DIR]`. Every member is a
 * dataserver in a process of its own that is asked over TCP. Rates count what is read and what is
 * written together; `cp` is followed by a sync of what it wrote, as every block that is made anew is.
 */
import { type ChildProcess, execFileSync, fork } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { systemClock } from "../base/clock.ts";
import type { BlockId, DeviceId } from "../base/ids.ts";
import { systemRandom } from "../base/random.ts";
import { parseAddress } from "../rpc/address.ts";
import type { BlockService } from "../rpc/block-service.ts";
import { RpcClient } from "../rpc/client.ts";
import { connect } from "../rpc/connect.ts";
import { type PoolScheme, piecesOf } from "../rpc/pool.ts";
import { blockTable } from "../rpc/tables.ts";
import { type Answer, benchSecret, type Told } from "./rebuild-member.ts";

const { values } = parseArgs({
  options: {
    blocks: { type: "string", default: "6" },
    "at-once": { type: "string", default: "1,2,4" },
    only: { type: "string", default: "1+2/4096,1+2/64,1+2/4,4+2/1024,4+2/64,4+2/4" },
    dir: { type: "string", default: tmpdir() },
  },
});
const blocks = Number(values.blocks);
const root = mkdtempSync(join(values.dir, "quarry-rebuild-"));

class Member implements AsyncDisposable {
  readonly folder: string;
  readonly device: DeviceId;
  readonly address: string;
  readonly service: BlockService;
  readonly #child: ChildProcess;
  readonly #rpc: RpcClient;

  private constructor(folder: string, child: ChildProcess, address: string, device: DeviceId) {
    this.folder = folder;
    this.device = device;
    this.address = address;
    this.#child = child;
    const seams = { clock: systemClock, random: systemRandom, secret: benchSecret };
    this.#rpc = new RpcClient({ ...seams, address: parseAddress(address) });
    this.service = connect(blockTable, this.#rpc, { deadlineMs: 600_000 });
  }

  static async open(name: string): Promise<Member> {
    const folder = join(root, name);
    const child = fork(join(import.meta.dirname, "rebuild-member.ts"), [folder]);
    const [answer] = (await once(child, "message")) as [Answer];
    if (answer.kind !== "ready") throw new Error("it is not ready");
    return new Member(folder, child, answer.address, answer.device);
  }

  async tell(told: Told): Promise<Answer> {
    this.#child.send(told);
    const [answer] = (await once(this.#child, "message")) as [Answer];
    return answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#rpc.close();
    this.#child.send({ kind: "end" } satisfies Told);
    await once(this.#child, "exit");
  }
}

const rate = (bytes: number, seconds: number) => `${Math.round(bytes / seconds / 1e6)} MB/s`;

/** Bytes read and written in a second. */
function copied(from: string): number {
  const to = join(root, "copy");
  mkdirSync(to);
  execFileSync("sync", ["-f", root]);
  const names = Array.from(
    { length: blocks },
    (_, i) => `${(i + 1).toString(16).padStart(8, "0")}.block`,
  );
  const started = performance.now();
  execFileSync("cp", [...names.map((name) => join(from, name)), to]);
  execFileSync("sync", ["-f", to]);
  const seconds = (performance.now() - started) / 1000;
  const bytes = names.reduce((sum, name) => sum + statSync(join(to, name)).size, 0);
  rmSync(to, { recursive: true });
  return (2 * bytes) / seconds;
}

/** CPU seconds of all these processes. */
async function costOf(members: readonly Member[]) {
  let [user, system, peakBytes] = [0, 0, 0];
  for (const member of members) {
    const answer = await member.tell({ kind: "cpu" });
    if (answer.kind !== "cpu") continue;
    user += answer.user;
    system += answer.system;
    peakBytes = Math.max(peakBytes, answer.peakBytes);
  }
  return { user, system, peakBytes };
}

async function rebuilt(
  members: readonly Member[],
  scheme: PoolScheme,
  target: Member,
  atOnce: number,
) {
  const others = members
    .slice(1)
    .map(({ device, address }, i) => ({ piece: i + 1, device, address }));
  const layout = scheme.k === 1 ? ("whole" as const) : ("split" as const);
  let [read, written, next] = [0, 0, 1];
  const before = [await costOf(members), await costOf([target])] as const;
  const started = performance.now();
  const worker = async () => {
    while (next <= blocks) {
      const at = { device: target.device, block: next++ as BlockId, generation: 1 };
      // As a leader does it: what is read is spread over all of them.
      const turn = at.block % others.length;
      const sources = [...others.slice(turn), ...others.slice(0, turn)];
      const done = await target.service.rebuild({ ...at, piece: 0, scheme, layout, sources });
      read += done.readBytes;
      written += done.writtenBytes;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  const seconds = (performance.now() - started) / 1000;
  const after = [await costOf(members), await costOf([target])] as const;
  const cost = ([0, 1] as const).map((i) => ({
    user: after[i].user - before[i].user,
    system: after[i].system - before[i].system,
  }));
  const { peakBytes } = after[1];
  for (let n = 1; n <= blocks; n++)
    await target.service.retire({
      ...{ device: target.device, block: n as BlockId, generation: 1, surplus: true },
    });
  return { read, written, seconds, peakBytes, cost };
}

const aGib = (bytes: number) => (seconds: number) => ((seconds * 2 ** 30) / bytes).toFixed(2);

async function measure(scheme: PoolScheme, pieceBytes: number): Promise<void> {
  await using all = new AsyncDisposableStack();
  const members: Member[] = [];
  for (let i = 0; i < piecesOf(scheme); i++) members.push(all.use(await Member.open(`member${i}`)));
  const target = all.use(await Member.open("target"));
  await Promise.all(
    members.map((member, piece) =>
      member.tell({ kind: "fill", blocks, piece, scheme, pieceBytes }),
    ),
  );
  const [, from] = members;
  if (from === undefined) throw new Error("there is nobody to copy from");
  for (const atOnce of values["at-once"].split(",").map(Number)) {
    const before = copied(from.folder);
    const { read, written, seconds, cost, peakBytes } = await rebuilt(
      ...([members, scheme, target, atOnce] as const),
    );
    const cp = (before + copied(from.folder)) / 2;
    console.log(
      `${scheme.k}+${scheme.m}, ${pieceBytes / 1024} KiB, ${atOnce} at once:`.padEnd(28),
      `${rate(read + written, seconds)} (written ${rate(written, seconds)}),`,
      `CPU s a GiB written: ${cost.map(({ user, system }) => [user, system].map(aGib(written)).join("+")).join(", ")}`,
      `(sources, target; user+system), target up to ${Math.round(peakBytes / 2 ** 20)} MiB;`,
      `cp and sync ${rate(cp, 1)}:`,
      `${((read + written) / seconds / cp).toFixed(2)} of it`,
    );
  }
}

const load = () => loadavg()[0]?.toFixed(1);
const loadBefore = load();
try {
  for (const one of values.only.split(",")) {
    const [, k, m, kib] = /^(\d+)\+(\d+)\/(\d+)$/.exec(one) ?? [];
    await measure({ k: Number(k), m: Number(m) }, Number(kib) * 1024);
    rmSync(root, { recursive: true });
    mkdirSync(root);
  }
} finally {
  rmSync(root, { recursive: true, force: true });
}
console.log(`${blocks} blocks of 64 MiB, ${cpus().length} cores, load ${loadBefore} to ${load()}`);
