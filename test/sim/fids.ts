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
import type { Line } from "./line.ts";
import type { Oracle } from "./oracle.ts";

interface Fid {
  readonly block: BlockId;
  readonly needle: NeedleId;
  /** Where its removal is not confirmed yet. */
  readonly left: Set<DeviceId>;
}

const MOST_KEPT = 12;
const BYTES = 40;

export class Fids {
  stored = 0;
  removed = 0;
  stopped = false;
  /** Acknowledged, and nobody asked to remove them. */
  readonly #kept: Fid[] = [];
  #leaving: Fid[] = [];
  readonly #line: Line;
  readonly #oracle: Oracle;

  constructor(line: Line, oracle: Oracle) {
    this.#line = line;
    this.#oracle = oracle;
  }

  async live(names: NameService, blocks: BlockService): Promise<void> {
    const { dice } = this.#line;
    const random = seededRandom(dice.u32());
    while (!this.stopped) {
      await this.#line.sleep(dice.between(5, 120));
      const goes = this.#kept.length >= MOST_KEPT || dice.chance(0.4);
      const step = goes ? this.#remove(names, blocks) : this.#store(names, blocks, random);
      await step.catch((error: unknown) => {
        if (
          !hasCode(
            error,
            "Timeout",
            "Unavailable",
            "DiskFull",
            "DiskFailed",
            "NoSuchBlock",
            "StaleGeneration",
            "NotLeader",
            "OutcomeUnknown",
          )
        )
          this.#oracle.violated(`a user of fids was told ${String(error)}`);
      });
    }
  }

  /** Which needles devices must have. */
  get kept(): readonly Fid[] {
    return this.#kept;
  }

  async #store(names: NameService, blocks: BlockService, random: ReturnType<typeof seededRandom>) {
    const open = this.#line.dice.pick(await names.openBlocks(0));
    if (open === undefined || open.members.length === 0) return;
    const { block, generation } = open;
    const members = filled(open.members);
    const needle = random.needleId();
    const data = random.bytes(BYTES);
    const owner = { blob: FREE, chunk: 0 };
    const checksums = needleChecksums(block, needle, data);
    const what = { block, generation, needle, owner, lengthBytes: BYTES, checksums };
    const kinds = await Promise.all(
      members.map(async (device) => (await blocks.append({ device, ...what }, data)).kind),
    );
    if (!kinds.every((kind) => kind === "stored")) return;
    this.stored++;
    this.#oracle.say(`fid ${block}/${needle} is stored`);
    this.#kept.push({ block, needle, left: new Set(members) });
  }

  async #remove(names: NameService, blocks: BlockService): Promise<void> {
    const next = this.#leaving[0] ?? this.#kept.shift();
    if (next === undefined) return;
    if (!this.#leaving.includes(next)) this.#leaving.push(next);
    const { block, needle, left } = next;
    const { generation } = await names.locate(block);
    for (const device of [...left]) {
      await blocks.remove({ device, block, generation }, [needle]);
      left.delete(device);
    }
    this.removed++;
    this.#leaving = this.#leaving.filter((one) => one !== next);
  }
}
