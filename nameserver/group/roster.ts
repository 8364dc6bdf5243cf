/**
 * Who the members are and where, as the state has it: who is on its way into the group or out of it
 * too. While the state does not say, what the folder remembers counts. The file there, and the lines
 * to the others, follow.
 */
import type { Disk } from "../../base/disk.ts";
import { QuarryError } from "../../base/errors.ts";
import type { NodeId } from "../../base/ids.ts";
import { LEVEL } from "../../base/version.ts";
import { type Configuration, isMember } from "../../raft/configuration.ts";
import { type Address, formatAddress, parseAddress } from "../../rpc/address.ts";
import { keys, tags } from "../keyspace.ts";
import { levelOf } from "../levels.ts";
import { read } from "../queries/read.ts";
import type { MemberRow, RollRow } from "../rows.ts";
import type { Change, StateReads } from "../state-store.ts";
import { type MemberRecord, sameRecord, writeMember } from "./member-file.ts";
import { hasOthers } from "./membership.ts";

export interface RosterOptions {
  readonly disk: Disk;
  readonly directory: string;
  readonly record: MemberRecord;
  readonly state: StateReads;
  readonly report: (message: string) => void;
  /** It says that it knows no more than the group makes use of already. */
  readonly holdLevel?: boolean | undefined;
  /** The members, or where they are, changed. */
  readonly onAddresses: (addresses: ReadonlyMap<NodeId, Address>) => void;
  /** This member is none any more. */
  readonly onRemoved: (why: QuarryError) => void;
}

export class Roster {
  readonly #options: RosterOptions;
  #record: MemberRecord;
  /** What was looked at last, and whether rows were written since. */
  #configuration: Configuration | undefined;
  #isStale = true;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: RosterOptions) {
    this.#options = options;
    this.#record = options.record;
  }

  get node(): NodeId {
    return this.#record.node;
  }

  get addresses(): ReadonlyMap<NodeId, Address> {
    return this.#record.addresses;
  }

  /** Up to where this member understands what is proposed. */
  get knows(): number {
    return this.#options.holdLevel === true ? levelOf(this.#options.state) : LEVEL;
  }

  addressOf(node: NodeId | undefined): string | undefined {
    const address = node === undefined ? undefined : this.#record.addresses.get(node);
    return address === undefined ? undefined : formatAddress(address);
  }

  /** Undefined as long as the state does not say. */
  get roll(): RollRow | undefined {
    return read(this.#options.state, keys.roll());
  }

  rows(): Map<NodeId, MemberRow> {
    const rows = new Map<NodeId, MemberRow>();
    for (const node of this.roll?.nodes ?? []) {
      const row = read(this.#options.state, keys.member(node));
      if (row !== undefined) rows.set(node, row);
    }
    return rows;
  }

  /** Whether this number was given, and is gone for good. */
  wasRemoved(node: NodeId, configuration: Configuration): boolean {
    const { roll } = this;
    if (roll === undefined || node >= roll.next || isMember(configuration, node)) return false;
    return !roll.nodes.includes(node) || this.rows().get(node)?.role === "leaving";
  }

  /** These rows were written. */
  saw(changes: readonly Change[]): void {
    if (changes.some(({ key }) => key.startsWith(tags.member))) this.#isStale = true;
  }

  /** All of the state was replaced. */
  replaced(): void {
    this.#isStale = true;
  }

  /** More was applied; this is the configuration now. */
  applied(configuration: Configuration): void {
    if (!this.#isStale && configuration === this.#configuration) return;
    this.#isStale = false;
    this.#configuration = configuration;
    const { onAddresses, onRemoved } = this.#options;
    const rows = this.rows();
    const before = this.#record;
    const addresses =
      rows.size === 0
        ? before.addresses
        : new Map([...rows].map(([node, { address }]) => [node, parseAddress(address)] as const));
    const voters = configuration.voters.length === 0 ? before.voters : configuration.voters;
    const record = { ...before, addresses, voters };
    if (!sameRecord(before, record)) {
      this.#record = record;
      this.#write(record);
      onAddresses(addresses);
    }
    if (this.wasRemoved(this.node, configuration)) onRemoved(removed(this.node));
  }

  /** Others have what this member may lose: they could elect a leader, or one leads them. */
  get hasOthers(): boolean {
    return hasOthers(this.#record);
  }

  /** Resolves when the file is as the state was last. */
  async idle(): Promise<void> {
    await this.#writing;
  }

  #write(record: MemberRecord): void {
    const { disk, directory, report } = this.#options;
    this.#writing = this.#writing
      .then(() => writeMember(disk, directory, record))
      .catch((error: unknown) => report(`the file member cannot be written: ${String(error)}`));
  }
}

export const removed = (node: NodeId) =>
  new QuarryError(
    "Removed",
    `nameserver ${node} was removed from its group: it stops, and its number never comes back. Its folder is not needed any more`,
  );
