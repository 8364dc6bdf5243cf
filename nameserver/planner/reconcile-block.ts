/**
 * Makes the members of one settled block agree: reads what they hold in pages, finds out by the owners
 * who is right, removes what nobody names, and says who must be made anew and what is lost. Everything
 * is found anew each time, so it may end anywhere and begin again.
 */

import { payloadPool } from "../../base/buffer-pool.ts";
import type { Clock } from "../../base/clock.ts";
import { QuarryError } from "../../base/errors.ts";
import type { BlockId, DeviceId, NeedleId, NeedleOwner } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import type { BlockService, BlockStatus } from "../../rpc/block-service.ts";
import type { Inventory } from "../../rpc/healing-service.ts";
import { WHOLE } from "../../rpc/pool.ts";
import type { Group } from "../group/group.ts";
import { keys, prefixEnd, prefixOf } from "../keyspace.ts";
import { read } from "../queries/read.ts";
import type { BlockRow } from "../rows.ts";
import { keepsOrphans } from "../workers/keep-orphans.ts";
import { claimOf, type Owners, ownersOf } from "./reconcile-claims.ts";
import { type Facts, judge } from "./reconcile-judge.ts";
import { compare, type Said, type Standing } from "./reconcile-standing.ts";

export interface ReconcileContext {
  readonly group: Group;
  /** Its orders carry the term in which the work was decided. */
  readonly blocks: BlockService;
  readonly clock: Clock;
}

export interface LostNeedle {
  readonly needle: NeedleId;
  /** Whose it is; absent when no member can tell. */
  readonly owner?: NeedleOwner;
  /** Good ones that were found, of k that it takes. */
  readonly pieces: number;
}

export interface Reconciled {
  readonly generation: number;
  /** Needles that went, from whoever had them. */
  readonly removed: number;
  /** Positions that lack something which the others have. */
  readonly rebuild: readonly number[];
  /** Named, and found on too few members: the first of them. */
  readonly lost: readonly LostNeedle[];
  readonly lostCount: number;
  /** All of them, when they are few enough to be given up. */
  readonly lostIds: readonly NeedleId[];
  /** Named by the metadata, and known to no member: so many. */
  readonly unknownCount: number;
  /** How many members were asked. */
  readonly asked: number;
  /** Members that could not be asked, or hold another generation. */
  readonly unasked: readonly DeviceId[];
}

interface Asked {
  readonly device: DeviceId;
  readonly position: number;
  readonly damage: BlockStatus["damage"];
}

/** Undefined: the block is not settled, or fewer than two members can be asked and nothing is amiss. */
export async function reconcileBlock(
  context: ReconcileContext,
  block: BlockId,
): Promise<Reconciled | undefined> {
  const row = read(context.group.state, keys.block(block));
  if (row?.state !== "settled") return undefined;
  return await new Reconciliation(context, block, row).run();
}

class Reconciliation {
  readonly #context: ReconcileContext;
  readonly #block: BlockId;
  readonly #row: BlockRow;
  #asked: readonly Asked[] = [];
  #unasked: readonly DeviceId[] = [];
  #removed = 0;
  #known = 0;
  readonly #rebuild = new Set<number>();
  readonly #lost: LostNeedle[] = [];
  readonly #lostIds: NeedleId[] = [];
  #lostCount = 0;

  constructor(context: ReconcileContext, block: BlockId, row: BlockRow) {
    this.#context = context;
    this.#block = block;
    this.#row = row;
  }

  async run(): Promise<Reconciled> {
    await this.#askWho();
    for (let after: NeedleId | undefined = 0n as NeedleId; after !== undefined; )
      after = await this.#page(after);
    // What has rotted need not be a needle: a removal that is forgotten brings one back.
    for (const { damage, position } of this.#asked)
      if (damage.length > 0 && this.#hasOthers()) this.#rebuild.add(position);
    return {
      generation: this.#row.generation,
      removed: this.#removed,
      rebuild: [...this.#rebuild].sort((a, b) => a - b),
      lost: this.#lost,
      lostCount: this.#lostCount,
      lostIds: this.#mayGiveUp() ? this.#lostIds : [],
      unknownCount: await this.#unknown(),
      asked: this.#asked.length,
      unasked: this.#unasked,
    };
  }

  /** By itself a harmed member would only forget where it is harmed, while those who know better are away. */
  #hasOthers(): boolean {
    const { scheme = WHOLE } = this.#row;
    return this.#unasked.length === 0 || this.#asked.length > scheme.k;
  }

  async #askWho(): Promise<void> {
    const asked: Asked[] = [];
    const unasked: DeviceId[] = [];
    const { members } = this.#row;
    const ask = async (device: DeviceId, position: number) => {
      const damage = await this.#joins(device, position).catch((error: unknown) => {
        if (!(error instanceof QuarryError)) throw error;
        return undefined;
      });
      if (damage === undefined) unasked.push(device);
      else asked.push({ device, position, damage });
    };
    await Promise.all(members.map((device, position) => device && ask(device, position)));
    this.#asked = asked.sort((a, b) => a.position - b.position);
    this.#unasked = unasked;
  }

  /** Its known damage; undefined when it holds something else than this member of this generation. */
  async #joins(device: DeviceId, position: number): Promise<BlockStatus["damage"] | undefined> {
    const { blocks } = this.#context;
    const [status] = await blocks.blocks(device, this.#block - 1, 1);
    const { generation, scheme = WHOLE } = this.#row;
    if (status?.block !== this.#block || status.generation !== generation) return undefined;
    if (scheme.k > 1 && status.piece !== undefined && status.piece.piece !== position)
      return undefined;
    // Who was away when the block was sealed would take needles behind this look.
    if (!status.sealed) await blocks.sealBlock(this.#at(device));
    return status.damage;
  }

  #at(device: DeviceId) {
    return { device, block: this.#block, generation: this.#row.generation };
  }

  /** Resolves with where the next page begins. */
  async #page(after: NeedleId): Promise<NeedleId | undefined> {
    const { blocks } = this.#context;
    const pages: Inventory[] = await Promise.all(
      this.#asked.map(({ device }) => blocks.inventory(this.#at(device), after)),
    );
    let upTo: NeedleId | undefined;
    for (const { next } of pages)
      if (next !== undefined && (upTo === undefined || next < upTo)) upTo = next;
    const said: Said[] = pages.map(({ rows }, who) => ({
      rows: Buffer.from(rows.buffer, rows.byteOffset, rows.length),
      // Where pieces of a striped block lie says nothing of where its needles do.
      damage: this.#row.layout === "striped" ? [] : (this.#asked[who]?.damage ?? []),
    }));
    const { differing, known } = compare(said, upTo);
    this.#known += known;
    if (differing.length > 0) await this.#settle(differing);
    return upTo;
  }

  async #settle(differing: readonly Standing[]): Promise<void> {
    const { group, blocks } = this.#context;
    const devices = this.#asked.map(({ device }) => device);
    const { generation } = this.#row;
    const owners = await ownersOf(blocks, { block: this.#block, generation }, differing, devices);
    const facts = this.#facts();
    const going: NeedleId[][] = devices.map(() => []);
    for (const standing of differing) {
      const claim = claimOf(group.state, this.#block, owners.get(standing.needle));
      let verdict = judge(standing, claim, facts);
      // Known damage is told by rough ranges: before bad news it is looked at itself.
      if (verdict.kind === "lost") verdict = judge(await this.#lookedAt(standing), claim, facts);
      if (verdict.kind === "remove")
        for (const who of standing.live) going[who]?.push(standing.needle);
      if (verdict.kind === "rebuild")
        for (const who of verdict.at) this.#rebuild.add(this.#asked[who]?.position ?? 0);
      if (verdict.kind === "lost") this.#isLost(standing.needle, verdict.pieces, owners);
    }
    for (const [who, needles] of going.entries()) await this.#remove(devices[who], needles);
  }

  #facts(): Facts {
    const { scheme = WHOLE } = this.#row;
    return {
      k: scheme.k,
      isComplete: this.#unasked.length === 0,
      keepsOrphans: keepsOrphans(this.#context),
    };
  }

  /** The holders verify what they have of it, and note what has rotted. */
  async #lookedAt(standing: Standing): Promise<Standing> {
    // Of stripes each needle stands at one member, and can be computed from others.
    if (this.#row.layout === "striped") return standing;
    const harmed: number[] = [];
    for (const who of standing.live) {
      const device = this.#asked[who]?.device;
      if (device === undefined) continue;
      const { blocks } = this.#context;
      const fetched = await blocks.fetch(this.#at(device), [standing.needle], true);
      payloadPool.give(fetched.data);
      if (fetched.needles.length === 0) harmed.push(who);
    }
    return { ...standing, harmed };
  }

  #isLost(needle: NeedleId, pieces: number, owners: Owners): void {
    this.#lostCount++;
    if (this.#lostIds.length < limits.givenUp) this.#lostIds.push(needle);
    const known = owners.get(needle);
    const owner = known && { blob: known.blob, chunk: known.chunk };
    if (this.#lost.length < limits.lostNamed)
      this.#lost.push({ needle, pieces, ...(owner && { owner }) });
  }

  /** While restored metadata may not know of needles, what they say of them decides nothing. */
  #mayGiveUp(): boolean {
    return this.#lostCount <= limits.givenUp && !this.#facts().keepsOrphans;
  }

  async #remove(device: DeviceId | undefined, needles: readonly NeedleId[]): Promise<void> {
    if (device === undefined) return;
    const { blocks } = this.#context;
    for (let i = 0; i < needles.length; i += limits.removeBatch)
      await blocks.remove(this.#at(device), needles.slice(i, i + limits.removeBatch));
    this.#removed += needles.length;
  }

  /**
   * What owners name of the block is counted; more than its members know are lost without a trace. What
   * is being collected is counted, and may be forgotten by the members already.
   */
  async #unknown(): Promise<number> {
    const { state } = this.#context.group;
    const named = read(state, keys.blockUse(this.#block))?.needles ?? 0;
    if (this.#unasked.length > 0 || named <= this.#known) return 0;
    return (await isCollecting(state)) ? 0 : named - this.#known;
  }
}

async function isCollecting(state: Group["state"]): Promise<boolean> {
  const prefix = prefixOf("collectQueue");
  await using cursor = state.range(prefix, prefixEnd(prefix));
  return (await cursor.next(1)).length > 0;
}
