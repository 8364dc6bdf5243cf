/** One client that gives commands of every kind, so that the state is worth an audit. */
import { QuarryError } from "../../base/errors.ts";
import { seededRandom } from "../../base/random.ts";
import type { AnyCommand } from "../../nameserver/command.ts";
import { RandomCommands } from "../metadata/random-commands.ts";
import { WATCHED } from "./cuts.ts";
import { isOpen, type Line } from "./line.ts";

const CLIENT = 100;
const BLOB_LEASES = 4;

export class Bystander {
  stopped = false;
  readonly #line: Line;
  readonly #commands: RandomCommands;

  constructor(line: Line) {
    this.#line = line;
    this.#commands = new RandomCommands(seededRandom(line.dice.u32()));
  }

  /** Makes what every simulation begins with. */
  async prepare(): Promise<void> {
    const leases = Array.from({ length: BLOB_LEASES }, () => ({
      type: "leaseBlobs" as const,
      count: 4096,
    }));
    // No needle stands in the blocks that random commands speak of.
    const imagined = RandomCommands.opening().map((command) =>
      command.type === "addBlock" ? { ...command, members: [null] } : command,
    );
    const watched = { type: "createBucket" as const, bucket: WATCHED, owner: "me" };
    for (const command of [...imagined, ...leases, watched])
      while (isOpen(await this.#propose(command)));
  }

  async live(): Promise<void> {
    const { dice } = this.#line;
    while (!this.stopped) {
      await this.#line.sleep(dice.between(1, 120));
      const command = this.#commands.next();
      const result = await this.#propose(command);
      if (!isOpen(result) && !(result instanceof QuarryError)) this.#commands.saw(command, result);
    }
  }

  #propose(command: AnyCommand) {
    return this.#line.propose(CLIENT, this.#line.anyNode(), command);
  }
}
