/** Fresh blob ids, leased from the nameserver in runs so that a PUT needs no trip for one. */
import type { BlobId } from "../base/ids.ts";
import { limits } from "../base/limits.ts";
import type { NameService } from "../rpc/name-service.ts";

export class BlobIds {
  readonly #names: NameService;
  #next = 0;
  #end = 0;
  #leasing: Promise<void> | undefined;

  constructor(names: NameService) {
    this.#names = names;
  }

  /** Mostly at once. */
  take(): BlobId | Promise<BlobId> {
    return this.#next === this.#end ? this.#takeLeased() : (this.#next++ as BlobId);
  }

  async #takeLeased(): Promise<BlobId> {
    while (this.#next === this.#end) {
      this.#leasing ??= this.#lease();
      await this.#leasing;
    }
    return this.#next++ as BlobId;
  }

  async #lease(): Promise<void> {
    try {
      const first = await this.#names.leaseBlobs(limits.blobLease);
      this.#next = first;
      this.#end = first + limits.blobLease;
    } finally {
      this.#leasing = undefined;
    }
  }
}
