/**
 * Before a group begins all its founders meet, and each notes in which folder the others live. So
 * whoever lost its folder and is started once more as a founder, out of a shell's history, is known to
 * be another: it would vote where it has voted, and lack what it acknowledged.
 *
 * All have to be there. If a part were enough, one that comes late and one that lost its folder could
 * not be told apart.
 */
import type { Disk } from "../../base/disk.ts";
import { QuarryError } from "../../base/errors.ts";
import type { NodeId } from "../../base/ids.ts";
import type { Random } from "../../base/random.ts";
import type { Founder, FoundingService } from "../../rpc/founding-service.ts";
import { type Founders, readFounders, writeFounders } from "./founders-file.ts";

export class Founding implements FoundingService {
  readonly #disk: Disk;
  readonly #directory: string;
  #founders: Founders | undefined;
  /** Changes of the file, one after the other. */
  #writing: Promise<void> = Promise.resolve();

  private constructor(disk: Disk, directory: string, founders: Founders | undefined) {
    this.#disk = disk;
    this.#directory = directory;
    this.#founders = founders;
  }

  /** Of a folder that founds, or goes on to do so. */
  static async begin(
    disk: Disk,
    directory: string,
    own: { readonly node: NodeId; readonly peers: string; readonly random: Random },
  ): Promise<Founding> {
    const { node, peers, random } = own;
    const known = await readFounders(disk, directory);
    if (known === undefined) {
      const founders = { node, peers, tokens: new Map([[node, random.uuid()]]) };
      await writeFounders(disk, directory, founders);
      return new Founding(disk, directory, founders);
    }
    if (known.node !== node || known.peers !== peers)
      throw refuse(
        `${directory} began to found a group as nameserver ${known.node} of ${known.peers}: start it so, or empty it`,
      );
    return new Founding(disk, directory, known);
  }

  /** Of a nameserver that runs: it answers those that think that they found its group. */
  static async of(disk: Disk, directory: string): Promise<Founding> {
    return new Founding(disk, directory, await readFounders(disk, directory));
  }

  /** Who this one is, for others to note. */
  get own(): Founder {
    if (this.#founders === undefined)
      throw refuse("the group runs already, and this nameserver did not found it: use --join");
    const { node, peers, tokens } = this.#founders;
    return { node, peers, token: tokens.get(node) ?? "" };
  }

  async meet(founder: Founder): Promise<Founder> {
    const noting = this.#writing.then(() => this.#note(founder));
    this.#writing = noting.catch(() => undefined); // told to whoever asked
    await noting;
    return this.own;
  }

  async #note({ node, token, peers }: Founder): Promise<void> {
    const { own } = this;
    if (peers !== own.peers)
      throw refuse(`nameserver ${own.node} was started with --peers ${own.peers}, not ${peers}`);
    if (this.#founders === undefined || token === "" || node === own.node)
      throw refuse(`nameserver ${node} is not one that nameserver ${own.node} could meet`);
    const known = this.#founders.tokens.get(node);
    if (known === token) return;
    if (known !== undefined)
      throw refuse(
        `nameserver ${own.node} has met another folder as nameserver ${node}. One that lost its folder does not come back under its number: join anew (--join … --replace ${node}). If the group never ran, empty the folders of all and found it again`,
      );
    const tokens = new Map([...this.#founders.tokens, [node, token] as const]);
    const founders = { ...this.#founders, tokens };
    await writeFounders(this.#disk, this.#directory, founders);
    this.#founders = founders;
  }
}

const refuse = (message: string) => new QuarryError("InvalidArgument", message);
