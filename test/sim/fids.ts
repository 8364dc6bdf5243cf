/**
 * Users of bare needles: they append one to an open block, read it from its members, and remove it
 * there themselves. No metadata tells of it, so only its members can lose it or bring it back.
 */

import { hasCode } from "../../base/errors.ts";
import type { BlockId, DeviceId, NeedleId } from "../../base/ids.ts";
import { FREE } from "../../base/ids.ts";
import { seededRandom } from "../../base/random.ts";
import type { BlockService } from "../../rpc/block-service.ts";
import { filled, type NameService } from "../../rpc/name-service.ts";
import { needleChecksums } from "../../rpc/needle-checksums.ts";
import { STANDARD } from "../../rpc/pool.ts";
import type { Peer } from "./calls.ts";
import type { Line } from "./line.ts";
import type { Needles } from "./needles.ts";
import type { Oracle } from "./oracle.ts";

interface Fid {
  readonly block: BlockId;
  readonly needle: NeedleId;
}

export interface FidsOptions {
  readonly line: Line;
  readonly oracle: Oracle;
  readonly needles: Needles;
  readonly blocksFor: (peer: Peer, device: DeviceId) => BlockService;
  /** What becomes stripes is removed while it does. */
  readonly isLongAgo: boolean;
}

const MOST_KEPT = 12;
const BYTES = 40;
/** How often what was removed is asked for, and within how long. */
const LOOKS = 6;
const LOOKS_MS = 80;

export class Fids {
  stored = 0;
  removed = 0;
  stopped = false;
  /** Their removal was asked for, and every member confirmed it. */
  readonly gone: Fid[] = [];
  /** Acknowledged, and nobody asked to remove them. */
  readonly #kept: Fid[] = [];
  #leaving: Fid | undefined;
  #look: ((fid: Fid) => Promise<void>) | undefined;
  readonly #options: FidsOptions;

  constructor(options: FidsOptions) {
    this.#options = options;
  }

  async live(names: NameService, peer: Peer): Promise<void> {
    const { line } = this.#options;
    const { dice } = line;
    this.#look = (fid) => this.#lookFor(names, peer, fid);
    const random = seededRandom(dice.u32());
    while (!this.stopped) {
      await line.sleep(dice.between(5, 120));
      const goes = this.#kept.length >= MOST_KEPT || dice.chance(0.4);
      const step = goes ? this.#remove(names, peer) : this.#store(names, peer, random);
      await step.catch((error: unknown) => this.#failed(error));
    }
  }

  /** A block was just converted: who asks for what was removed of it finds none of it, at any time. */
  nudge(block: BlockId): void {
    const { line } = this.#options;
    const there = this.gone.filter((fid) => fid.block === block);
    for (const fid of there)
      for (let i = 0; i < LOOKS; i++)
        void line
          .sleep(line.dice.between(1, LOOKS_MS))
          .then(() => this.#look?.(fid))
          .catch((error: unknown) => this.#failed(error));
  }

  #failed(error: unknown): void {
    if (!hasCode(error, ...ofTheMoment))
      this.#options.oracle.violated(`a user of fids was told ${error}`);
  }

  /** What every member has confirmed to be removed none of them has, whoever they are by now. */
  async #lookFor(names: NameService, peer: Peer, { block, needle }: Fid): Promise<void> {
    const { line, oracle, blocksFor } = this.#options;
    const device = line.dice.pick(filled((await names.locate(block)).members));
    if (device === undefined) return;
    const request = { device, block, needle, offset: 0, lengthBytes: BYTES };
    const { kind } = await blocksFor(peer, device).read(request);
    if (kind === "data" || kind === "elsewhere")
      oracle.violated(
        `INV-2: needle ${needle} of block ${block}, which was removed, is read again on ${device}`,
      );
  }

  async #store(names: NameService, peer: Peer, random: ReturnType<typeof seededRandom>) {
    const { line, oracle, needles, blocksFor } = this.#options;
    const { map } = await names.clusterMap(0);
    const { small } = map?.storageClasses.find(({ name }) => name === STANDARD.name) ?? STANDARD;
    const open = line.dice.pick(await names.openBlocks(small));
    if (open === undefined || open.members.length === 0) return;
    const { block, generation } = open;
    const needle = random.needleId();
    const data = random.bytes(BYTES);
    const owner = { blob: FREE, chunk: 0 };
    const checksums = needleChecksums(block, needle, data);
    const what = { block, generation, needle, owner, lengthBytes: BYTES, checksums };
    const kinds = await Promise.all(
      filled(open.members).map(async (device) => {
        return (await blocksFor(peer, device).append({ device, ...what }, data)).kind;
      }),
    );
    if (!kinds.every((kind) => kind === "stored")) return;
    this.stored++;
    oracle.say(`fid ${block}/${needle} is stored`);
    this.#kept.push({ block, needle });
    needles.kept.set(needle, { block, needle, lengthBytes: BYTES });
    needles.checkBlock(block);
  }

  /** One whose block becomes stripes just now. */
  #takeConverted(): Fid | undefined {
    const { needles, isLongAgo } = this.#options;
    if (!isLongAgo) return undefined;
    const at = this.#kept.findIndex(({ block }) => needles.stripes.isUnderWay(block));
    return at < 0 ? undefined : this.#kept.splice(at, 1)[0];
  }

  /** Of members that change meanwhile the new ones are told, too. */
  async #remove(names: NameService, peer: Peer): Promise<void> {
    this.#leaving ??= this.#takeConverted() ?? this.#kept.shift();
    if (this.#leaving === undefined) return;
    const { oracle, needles, blocksFor } = this.#options;
    const { block, needle } = this.#leaving;
    needles.kept.delete(needle);
    for (let told = ""; ; ) {
      const { generation, members } = await names.locate(block);
      const now = `${generation} ${members.join()}`;
      if (now === told) break;
      for (const device of filled(members))
        await blocksFor(peer, device).remove({ device, block, generation }, [needle]);
      told = now;
    }
    this.removed++;
    oracle.say(`fid ${block}/${needle} is removed`);
    this.gone.push(this.#leaving);
    this.#leaving = undefined;
  }
}

/** Nobody is to blame: the same is tried again. */
const ofTheMoment = [
  "Timeout",
  "Unavailable",
  "DiskFull",
  "DiskFailed",
  "NoSuchBlock",
  "NoSuchDevice",
  "NoSuchPool",
  "StaleGeneration",
  "Damaged",
  "Closed",
  "NotLeader",
  "OutcomeUnknown",
] as const;
