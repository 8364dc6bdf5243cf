/** Gathers what steps put out until the owner takes it. */
import type { Message } from "./message.ts";
import type { Outputs, Refusal, SnapshotTask } from "./outputs.ts";

type List<Key extends keyof Outputs> = Outputs[Key] extends readonly (infer Item)[]
  ? Item[]
  : never;

export class Outbox {
  send: Message[] = [];
  reads: List<"reads"> = [];
  failedReads: number[] = [];
  accepted: List<"accepted"> = [];
  refused: Refusal[] = [];
  snapshots: SnapshotTask[] = [];

  get isEmpty(): boolean {
    return (
      this.send.length === 0 &&
      this.reads.length === 0 &&
      this.failedReads.length === 0 &&
      this.accepted.length === 0 &&
      this.refused.length === 0 &&
      this.snapshots.length === 0
    );
  }

  take(): Omit<Outputs, "persist" | "committed"> {
    const { send, reads, failedReads, accepted, refused, snapshots } = this;
    this.send = [];
    this.reads = [];
    this.failedReads = [];
    this.accepted = [];
    this.refused = [];
    this.snapshots = [];
    return { send, reads, failedReads, accepted, refused, snapshots };
  }
}
