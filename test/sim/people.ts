/** People who set up the cluster and change it: pools, storage classes, weights, who is in. */
import { LEVEL } from "../../base/version.ts";
import type { AnyCommand, AnyResult } from "../../nameserver/command.ts";
import { readMap } from "../../nameserver/queries/cluster-map.ts";
import type { ClusterMap } from "../../rpc/cluster-map.ts";
import { type ColdSetting, type Pool, type PoolScheme, piecesOf } from "../../rpc/pool.ts";
import { isOpen, type Line } from "./line.ts";
import type { Oracle } from "./oracle.ts";

const ID = 98;
const COPIES = "copies";
const PIECES = "pieces";
const PGS = 8;
const LARGE_FROM_BYTES = 200;
const OUT_AFTER_MS = 2_500;
const TRIES = 80;
const PAUSE_MS = 100;

export class People {
  readonly #line: Line;
  readonly #oracle: Oracle;
  /** Pieces of a block, at most. */
  widest = 0;

  constructor(line: Line, oracle: Oracle) {
    this.#line = line;
    this.#oracle = oracle;
  }

  /** Copies for what is small, which may grow cold; pieces for what is large. */
  async prepare(copies: PoolScheme, pieces: PoolScheme, cold?: ColdSetting): Promise<void> {
    const failureDomain = "host" as const;
    await this.ask({ type: "raiseLevel", level: LEVEL });
    const all = [copies, pieces, ...(cold ? [cold.scheme] : [])];
    this.widest = Math.max(...all.map(piecesOf));
    const pool = (name: string, scheme: PoolScheme, rest: Partial<Pick<Pool, "cold">> = {}) => {
      const settings = { scheme, failureDomain, pgNum: PGS, ...rest };
      return this.ask({ type: "createPool", name, settings });
    };
    await pool(COPIES, copies, cold && { cold });
    await pool(PIECES, pieces);
    const { pools } = await this.map();
    const idOf = (name: string) => pools.find((one) => one.name === name)?.id ?? 0;
    const [small, large] = [idOf(COPIES), idOf(PIECES)];
    await this.ask({
      type: "setStorageClass",
      storageClass: { name: "STANDARD", small, large, thresholdBytes: LARGE_FROM_BYTES },
    });
    await this.ask({ type: "setHealing", change: { outAfterMs: OUT_AFTER_MS } });
  }

  /** Of the pool of copies: so many beside the first. */
  setCopies(m: number): Promise<void> {
    return this.#change(COPIES, { scheme: { k: 1, m }, minMembers: null });
  }

  /** Of the pool of pieces: what is split, or in stripes, follows. */
  setPieces(scheme: PoolScheme): Promise<void> {
    return this.#change(PIECES, { scheme, minMembers: null });
  }

  /** Of the pool of copies; null: its stripes become whole again. */
  setCold(cold: ColdSetting | null): Promise<void> {
    return this.#change(COPIES, { cold });
  }

  async #change(
    of: string,
    change: Extract<AnyCommand, { type: "changePool" }>["change"],
  ): Promise<void> {
    const { pools } = await this.map();
    const pool = pools.find(({ name }) => name === of)?.id ?? 0;
    await this.ask({ type: "changePool", pool, change });
  }

  map(): Promise<ClusterMap> {
    return readMap(this.#oracle.store);
  }

  /** Until somebody answers; undefined: it was refused, or nobody did. */
  async ask(command: AnyCommand): Promise<AnyResult | undefined> {
    for (let tries = 0; tries < TRIES; tries++) {
      const answer = await this.#line.propose(ID, this.#line.anyNode(), command);
      if (!isOpen(answer)) return answer instanceof Error ? undefined : answer;
      await this.#line.sleep(PAUSE_MS);
    }
    return undefined;
  }
}
