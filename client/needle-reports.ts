/**
 * Tells the nameserver in passing of pieces that were found wrong or missing, so that they are mended
 * before the next one is lost. Nobody waits for it, and what cannot be told now is found by the scrub.
 */
import { QuarryError } from "../base/errors.ts";
import { limits } from "../base/limits.ts";
import type { NameService, NeedleReport } from "../rpc/name-service.ts";

export class NeedleReports {
  readonly #names: Pick<NameService, "reportNeedle">;
  /** What was told lately: readers find the same again and again. */
  readonly #told = new Set<string>();
  #underWay = 0;

  constructor(names: Pick<NameService, "reportNeedle">) {
    this.#names = names;
  }

  tell(report: NeedleReport): void {
    const { block, position, needle, what } = report;
    const key = `${block} ${position} ${needle}`;
    if (this.#told.has(key) || this.#underWay >= limits.needleReportsUnderWay) return;
    if (this.#told.size >= limits.needleReportsKept) this.#told.clear();
    this.#told.add(key);
    this.#underWay++;
    this.#names
      .reportNeedle(block, position, needle, what)
      .catch((error: unknown) => {
        this.#told.delete(key);
        if (!(error instanceof QuarryError)) throw error;
      })
      .finally(() => {
        this.#underWay--;
      });
  }
}
