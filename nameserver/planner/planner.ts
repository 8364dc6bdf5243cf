/**
 * One loop of the leader: what is desired against what is there, the most endangered blocks first. It
 * remembers nothing but rows and what devices tell, so whoever leads next goes on where this one was.
 */
import { type Clock, sleep } from "../../base/clock.ts";
import { hasCode, QuarryError } from "../../base/errors.ts";
import type { BlockId, DeviceId, Term } from "../../base/ids.ts";
import { limits } from "../../base/limits.ts";
import { type HealingProgress, type HealingSettings, usualHealing } from "../../rpc/healing.ts";
import type { BlockClaims } from "../block-claims.ts";
import { type Group, NOT_ONCE } from "../group/group.ts";
import { keys } from "../keyspace.ts";
import { ordersIn } from "../orders.ts";
import { read } from "../queries/read.ts";
import { HarmedRow } from "../row-codec.ts";
import { keepsOrphans } from "../workers/keep-orphans.ts";
import type { WorkContext } from "../workers/worker.ts";
import { Awake } from "./awake.ts";
import { Failures } from "./failures.ts";
import { checkForgotten } from "./forgotten.ts";
import { isWanted } from "./kinds/remake.ts";
import { Leaving } from "./leaving.ts";
import { Look, type LookOptions } from "./look.ts";
import { type Need, needOf } from "./need.ts";
import { inOutWords, Outs } from "./outs.ts";
import { budgetOf, paceOf } from "./pace.ts";
import { plan } from "./plan.ts";
import { claimOf } from "./reconcile-claims.ts";
import { Retires } from "./retires.ts";
import { run } from "./run.ts";
import type { RunContext } from "./run-context.ts";
import { Tally } from "./tally.ts";
import { UnderWay } from "./under-way.ts";

export interface PlannerOptions
  extends Omit<LookOptions, "group" | "blocks">,
    Omit<WorkContext, "clock"> {
  readonly group: Group;
  readonly clock: Clock;
  readonly claims: BlockClaims;
  /** When a device was last heard of; undefined: never. */
  readonly heardMs: (device: DeviceId) => number | undefined;
  /** Hands an open block out no more, and seals it. */
  readonly seal: (block: BlockId, generation: number) => Promise<void>;
  /** How often it looks when nothing wakes it. */
  readonly lookMs?: number;
}

export class Planner implements AsyncDisposable {
  readonly #options: PlannerOptions;
  readonly #look: Look;
  readonly #tally = new Tally();
  readonly #outs = new Outs();
  readonly #awake: Awake;
  readonly #retires = new Retires();
  readonly #leaving = new Leaving();
  readonly #running = new Map<BlockId, Need>();
  readonly #work = new Set<Promise<void>>();
  readonly #failed = new Failures();
  /** What was done and looks undone still: devices have to tell of it first. */
  readonly #resting = new Map<BlockId, number>();
  readonly #stop = new AbortController();
  readonly #loop: Promise<void>;
  readonly #underWay: UnderWay;
  #wake = new AbortController();
  #term: Term | undefined;
  #trouble = "";

  constructor(options: PlannerOptions) {
    this.#options = options;
    this.#look = new Look(options);
    this.#underWay = new UnderWay({
      running: this.#running,
      rebuilds: async (device) => await options.blocks.rebuilds(device),
      moved: (bytes) => this.#moved(bytes),
    });
    this.#awake = new Awake(options.clock);
    this.#loop = this.#run();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#wake.abort();
    await this.#loop;
    await Promise.all([...this.#work, this.#awake.end()]);
    await this.#underWay.end();
  }

  /** How it stands, as this leader knows it. */
  progress(): HealingProgress {
    return this.#tally.progress({
      ...{ needs: this.#look.needs, running: this.#running, failed: this.#failed.all },
      ...{
        settings: this.#settings(),
        isKnown: this.#look.isKnown,
        leaving: this.#leaving.of(this.#look.devices, this.#options.stock),
      },
      ...{ nowMs: this.#options.clock.monotonicMs(), bytesUnderWay: this.#underWay.bytes },
    });
  }

  /** What is done about a block, in words; undefined: nothing is to be done, as far as is known. */
  doing(block: BlockId): string | undefined {
    const running = this.#running.get(block);
    if (running !== undefined) return `${running.kind} is running`;
    const { needs } = this.#look;
    const stuck = this.#failed.of(block) ?? needs.stuck.get(block);
    if (stuck !== undefined) return `stuck: ${stuck.why}`;
    const need = needs.of(block);
    if (need === undefined) return undefined;
    return `${need.kind} waits${this.#settings().paused ? ": healing is paused" : " for its turn"}`;
  }

  async #run(): Promise<void> {
    const { clock, group, lookMs = limits.healingLookMs } = this.#options;
    while (!this.#stop.signal.aborted) {
      this.#wake = new AbortController();
      if (group.isLeader) await this.#roundOrComplain();
      else this.#term = undefined;
      await sleep(clock, lookMs, this.#wake.signal);
    }
  }

  async #roundOrComplain(): Promise<void> {
    try {
      await this.round();
      this.#trouble = "";
    } catch (error) {
      if (error instanceof HarmedRow) this.#options.onHarmed?.(error);
      if (this.#trouble === "") this.#options.report(`healing will try again: ${error}`);
      this.#trouble = String(error);
    }
  }

  /** Looks once and begins what there is room for. */
  async round(): Promise<void> {
    const { group, clock } = this.#options;
    const { term } = group;
    if (term !== this.#term) this.#begin(term);
    this.#underWay.look(clock.monotonicMs());
    await this.#look.step();
    // What that leaves to be done is begun in the same round.
    if (await this.#putOutAndIn(term)) await this.#look.step();
    for (const device of this.#leaving.emptied(this.#look.devices, this.#options.stock))
      this.#options.report(`device ${device} is out and holds nothing any more: it may go`);
    // What could not be done may well be possible with other devices.
    if (this.#look.takeIsNew()) this.#failed.clear();
    const settings = this.#settings();
    if (settings.paused || this.#stop.signal.aborted) return;
    const nowMs = clock.monotonicMs();
    for (const [block, untilMs] of this.#resting) if (untilMs <= nowMs) this.#resting.delete(block);
    const mayRun = ({ block }: Need) =>
      !this.#options.claims.has(block) &&
      !this.#resting.has(block) &&
      !this.#failed.isResting(block, nowMs);
    const budget = budgetOf(settings, this.#look.devices.size);
    const { needs } = this.#look;
    const look = { atMost: limits.healingLook, mayRun };
    for (const need of plan(needs.inOrder(), budget, this.#running, look))
      this.#start(need, term, paceOf(settings, budget));
    if (needs.size === 0 && this.#running.size === 0) {
      this.#tally.idle();
      this.#failed.clear();
    }
  }

  /** Resolves when nothing is under way: for tests. */
  async idle(): Promise<void> {
    while (this.#work.size > 0) await Promise.all(this.#work);
  }

  #begin(term: Term): void {
    this.#term = term;
    this.#look.clear();
    this.#tally.clear();
    this.#outs.clear();
    this.#retires.clear();
    this.#leaving.clear();
    this.#failed.clear();
    this.#resting.clear();
  }

  #settings(): HealingSettings {
    return { ...usualHealing, ...read(this.#options.group.state, keys.healing()) };
  }

  /** Whether somebody was. */
  async #putOutAndIn(term: Term): Promise<boolean> {
    const { clock, heardMs, report } = this.#options;
    const { map, states } = this.#look;
    if (map === undefined || map.epoch === 0) return false;
    const { outAfterMs } = this.#settings();
    const look = { nowMs: clock.monotonicMs(), outAfterMs, awakeMs: this.#awake.sinceMs, heardMs };
    let isAny = false;
    for (const change of this.#outs.changes(map, states, look)) {
      try {
        await this.#propose(term, { type: "changeDevice", ...change, by: "planner" });
      } catch (error) {
        // While an earlier version is in the group nobody is put out; what can be mended in place is.
        if (hasCode(error, "NotImplemented")) return isAny;
        throw error;
      }
      isAny = true;
      report(inOutWords(change, outAfterMs));
    }
    return isAny;
  }

  #start(need: Need, term: Term, pace: number | undefined): void {
    const claim = this.#options.claims.take(need.block);
    if (claim === undefined) return;
    this.#running.set(need.block, need);
    const { clock } = this.#options;
    this.#tally.begun(clock.monotonicMs());
    const work = run(this.#context(need, term, pace), need)
      .then(() => {
        this.#failed.delete(need.block);
        this.#tally.done(need.kind);
      })
      .catch((error: unknown) => this.#fail(need, error))
      .finally(() => {
        claim[Symbol.dispose]();
        this.#running.delete(need.block);
        this.#underWay.ended(need.block);
        this.#work.delete(work);
        if (this.#term === term) this.#look.at(need.block);
        if (this.#look.needs.of(need.block)?.kind === need.kind)
          this.#resting.set(need.block, clock.monotonicMs() + limits.healingRetryMs);
        this.#wake.abort();
      });
    this.#work.add(work);
  }

  #fail(need: Need, error: unknown): void {
    const why = this.#failed.failed(need, error, this.#options.clock.monotonicMs());
    if (why !== undefined)
      this.#options.report(`${need.kind} of block ${need.block} will be tried again: ${why}`);
  }

  async #propose(term: Term, command: Parameters<RunContext["propose"]>[0]): Promise<void> {
    const { group } = this.#options;
    this.#demandTerm(term);
    await group.propose(command, NOT_ONCE, term);
  }

  #moved(bytes: number): void {
    this.#tally.moved(bytes, this.#options.clock.monotonicMs());
  }

  #demandTerm(term: Term): void {
    const { group } = this.#options;
    if (!group.isLeader || group.term !== term)
      throw new QuarryError("StaleTerm", "this nameserver does not lead any more");
  }

  #context(need: Need, term: Term, pace: number | undefined): RunContext {
    const { group, blocks, stock, report } = this.#options;
    const orders = ordersIn(blocks, () => term);
    const look = this.#look;
    const context: RunContext = {
      ...{ orders, stock, pace, report, seal: this.#options.seal },
      propose: (command) => this.#propose(term, command),
      confirmLeading: async () => {
        this.#demandTerm(term);
        await group.readBarrier();
        this.#demandTerm(term);
      },
      rowOf: (block) => read(group.state, keys.block(block)),
      removedAt: (block) => read(group.state, keys.removedBlock(block))?.generation ?? 0,
      claimOf: (block, owner) => claimOf(group.state, block, owner),
      keepsOrphans: () => keepsOrphans(this.#options),
      sourcesOf: (block) => look.view(block)?.sources ?? [],
      checkForgotten: (address) => checkForgotten(this.#options, orders, address),
      retire: async (order) => {
        await this.#retires.order(orders, order);
        stock.unlearn(order.device, order.block);
      },
      isRetiring: (block, device) => this.#retires.isUnderWay(block, device),
      isNeeded: () => {
        const view = look.view(need.block);
        if (view === undefined) return false;
        return "sources" in need ? isWanted(view, need) : needOf(view).need?.kind === need.kind;
      },
      moved: (bytes) => this.#moved(bytes - this.#underWay.ended(need.block)),
    };
    return context;
  }
}
