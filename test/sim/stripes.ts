/**
 * Judges conversions of blocks: each is built on all of its members before the command, for a reason, and
 * what they have goes together. Counts them.
 */
import type { BlockId, DeviceId } from "../../base/ids.ts";
import type { AnyCommand } from "../../nameserver/command.ts";
import type { BlockRow } from "../../nameserver/rows.ts";
import type { BlockMembers } from "../../rpc/name-service.ts";
import { layoutOf, type PoolScheme, WHOLE } from "../../rpc/pool.ts";
import type { Drive } from "./drive.ts";
import type { Platters } from "./platters.ts";
import type { Standing } from "./standing.ts";
import { discordOf } from "./standing-striped.ts";

type Converting = Extract<AnyCommand, { type: "convertBlock" }>;

/** A command that took effect. */
export interface Conversion {
  readonly block: BlockId;
  readonly members: BlockMembers;
  readonly before: BlockMembers;
}

export interface StripesOptions {
  readonly platters: Platters;
  readonly drives: () => readonly Drive[];
  readonly isHarmed: (device: DeviceId, block: BlockId) => boolean;
  readonly wrong: (what: string) => void;
}

export class Stripes {
  /** Blocks that became stripes, of these split ones; stripes that became others; what became whole. */
  readonly counts = { made: 0, split: 0, again: 0, whole: 0 };
  readonly #of: StripesOptions;
  #new: Conversion[] = [];
  /** What each was encoded of, and how. */
  readonly #encoded = new Map<BlockId, string>();
  /** Devices that lost a file which waits to be switched to, by block and encoding. */
  readonly #lost = new Map<string, number>();

  constructor(of: StripesOptions) {
    this.#of = of;
  }

  /** The command took effect; `before` is what the block was. */
  converted(
    { block, to, scheme, layout, encoding, members }: Converting,
    before: BlockRow | undefined,
  ): void {
    if (before?.generation === to) return;
    this.#new.push({ block, members, before: before?.members ?? [] });
    const { platters, isHarmed, wrong } = this.#of;
    const standings = members.map((device) =>
      device === null
        ? undefined
        : platters.standingOf(device, block, { generation: to, encoding }),
    );
    for (const [position, standing] of standings.entries()) {
      const device = members[position];
      if (device === undefined || device === null || isHarmed(device, block)) continue;
      const isMade = standing !== undefined && standing.piece === position && isAllGood(standing);
      if (!isMade) wrong(`INV-7: generation ${to} of block ${block} is not built on ${device}`);
    }
    this.#checkDiscord(block, standings);
    const { layout: was = layoutOf(before?.scheme ?? WHOLE) } = before ?? {};
    if (was === "split") this.counts.split++;
    if (layout === "whole") this.counts.whole++;
    else if (was === "striped") this.counts.again++;
    else this.counts.made++;
    const made = standings.find((one) => one !== undefined);
    // Also holes, of what went meanwhile: these are garbage.
    const held = [...(made?.needles.keys() ?? []), ...(made?.tombstones ?? [])].sort();
    const what = `${layout} ${described(scheme)} ${held.join()}`;
    if (was === "striped" && this.#encoded.get(block) === what)
      wrong(`block ${block} is written anew, and nothing of it is other than before`);
    this.#encoded.set(block, what);
  }

  /** Those that came since it was asked. */
  takeNew(): Conversion[] {
    const taken = this.#new;
    if (taken.length > 0) this.#new = [];
    return taken;
  }

  /** Whether the next generation of a block is being written, or waits. */
  isUnderWay(block: BlockId): boolean {
    const name = `/${block.toString(16).padStart(8, "0")}.block.g`;
    const isPart = (path: string) => path.includes(name) && path.includes(".staged");
    return this.#of.drives().some(({ disk }) => disk.paths().some(isPart));
  }

  /** The members of a striped block, by position. */
  check(block: BlockId, standings: readonly (Standing | undefined)[]): void {
    this.#checkDiscord(block, standings);
  }

  /** Whether what is being made of blocks can do without what waits on this drive. */
  canLose(drive: Drive): boolean {
    for (const standing of this.#of.platters.waitingOn(drive))
      if ((this.#lost.get(nameOf(standing)) ?? 0) >= (standing.k === 1 ? 0 : standing.m))
        return false;
    return true;
  }

  /** All on it is about to go, by design. */
  loses(drive: Drive): void {
    for (const standing of this.#of.platters.waitingOn(drive))
      this.#lost.set(nameOf(standing), (this.#lost.get(nameOf(standing)) ?? 0) + 1);
  }

  #checkDiscord(block: BlockId, standings: readonly (Standing | undefined)[]): void {
    const discord = discordOf(standings);
    if (discord !== undefined) this.#of.wrong(`INV-3: of block ${block} ${discord}`);
  }
}

const isAllGood = ({ needles, stripe }: Standing): boolean =>
  stripe?.isGood !== false && [...needles.values()].every(({ isGood }) => isGood);

const described = ({ k, m }: PoolScheme) => `${k}+${m}`;
const nameOf = ({ block, encoding }: Standing) => `${block} ${encoding}`;
