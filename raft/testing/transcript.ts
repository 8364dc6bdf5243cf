/**
 * Scripts for groups of nodes: each line is a command, and what it leads to stands indented below it.
 *
 *   group 1 2 3 [spare 4] [reads lease] [drift 0.1] [bytes 140]
 *                        founders; spare nodes run without knowing members; bytes of an append
 *   elect 1 by 2,3       after a silence, with these votes; what else is said meanwhile gets lost
 *   campaign 1           transfer 1 2        read 1 7        propose 1 text
 *   change 1 voters 1,2 [learners 3]
 *   deliver [1>2]        all messages on their way, or those of one link, and what follows from them
 *   carry 1>2            those that are on their way now, and nothing that follows
 *   drop 1>2             `*` stands for any node
 *   time 100             milliseconds pass, a tick each 10
 *   rate 2 1.1           how fast a node's clock runs
 *   hold 1               writes of a node wait …      sync 1   … until now     let 1 2   … but two
 *   restart 1 [damaged 3]     compact 1      status [1]
 *   quietly …            any of these without saying what it leads to
 */
import type { NodeId } from "../../base/ids.ts";
import { configurationOf, NO_MEMBERS } from "../configuration.ts";
import type { Message } from "../message.ts";
import { type Rules, rules } from "../rules.ts";
import { defaultSettings } from "../settings.ts";
import { formatMessage, formatStatus } from "./format.ts";
import { ScriptNode, type Stage } from "./script-node.ts";

const INDENT = "    ";
const TICK_MS = 10;

/** The script with what it leads to; lines that were there before are left out. */
export function runTranscript(
  text: string,
  broken: Partial<Rules> = {},
  losesVote = false,
): string {
  const lines: string[] = [];
  const run = new Transcript(broken, losesVote, (line) => lines.push(INDENT + line));
  for (const line of text.split("\n")) {
    if (line.startsWith(INDENT)) continue;
    lines.push(line);
    if (line.trim() === "" || line.startsWith("#")) continue;
    try {
      run.command(line);
    } catch (error) {
      lines.push(`${INDENT}! ${(error as Error).message}`);
    }
  }
  return lines.join("\n");
}

class Transcript {
  readonly #broken: Partial<Rules>;
  readonly #losesVote: boolean;
  readonly #say: (line: string) => void;
  #isQuiet = false;
  #nodes: ScriptNode[] = [];
  #wire: Message[] = [];
  #stage: Stage | undefined;

  get stage(): Stage {
    if (this.#stage === undefined) throw new Error("the first command is `group`");
    return this.#stage;
  }

  constructor(broken: Partial<Rules>, losesVote: boolean, say: (line: string) => void) {
    this.#broken = broken;
    this.#losesVote = losesVote;
    this.#say = (line) => {
      if (!this.#isQuiet) say(line);
    };
  }

  command(line: string): void {
    this.#isQuiet = line.startsWith("quietly ");
    const [verb = "", ...words] = line.replace("quietly ", "").split(" ");
    if (verb === "group") this.#group(words);
    else if (verb === "deliver") this.#deliver(words[0], true);
    else if (verb === "carry") this.#deliver(words[0], false);
    else if (verb === "drop") this.#take(words[0]);
    else if (verb === "time") this.#pass(Number(words[0]));
    else if (verb === "status") this.#status(words[0]);
    else if (verb === "elect") this.#elect(nodeId(words[0] ?? ""), words[2] ?? "");
    else this.#nodeCommand(verb, words);
  }

  #group(words: readonly string[]): void {
    const option = (name: string) => {
      const at = words.indexOf(name);
      return at < 0 ? [] : words.slice(at + 1).filter((word) => /^[\w.]+$/.test(word));
    };
    const plain = words.findIndex((word) => !/^\d+$/.test(word));
    const founders = words.slice(0, plain < 0 ? undefined : plain).map(nodeId);
    const spare = option("spare").filter((word) => /^\d+$/.test(word));
    const reads = option("reads")[0] === "lease" ? "lease" : "quorum";
    const appendBytes = Number(option("bytes")[0] ?? 300);
    const clockDrift = Number(option("drift")[0] ?? 0);
    this.#stage = {
      settings: { ...defaultSettings, reads, clockDrift, appendBytes, retainBytes: 0 },
      rules: { ...rules, ...this.#broken },
      losesVote: this.#losesVote,
      nowMs: 0,
      say: (line) => this.#say(line),
      send: (message) => this.#wire.push(message),
    };
    const members = configurationOf({ voters: founders, learners: [] });
    for (const id of [...founders, ...spare.map(nodeId)]) {
      const known = founders.includes(id) ? members : NO_MEMBERS;
      this.#nodes.push(new ScriptNode(id, known, this.#stage));
    }
  }

  /** Messages of a link that are on their way, in order. */
  #take(link = "*>*"): Message[] {
    const [from, to] = link.split(">");
    const matches = (m: Message) =>
      (from === "*" || m.from === Number(from)) && (to === "*" || m.to === Number(to));
    const taken = this.#wire.filter(matches);
    this.#wire = this.#wire.filter((message) => !matches(message));
    return taken;
  }

  #deliver(link: string | undefined, andWhatFollows: boolean): void {
    for (let rounds = 0; rounds < 50; rounds++) {
      const messages = this.#take(link);
      if (messages.length === 0) return;
      for (const message of messages) this.#hand(message);
      if (!andWhatFollows) return;
    }
    throw new Error("messages do not come to an end");
  }

  #hand(message: Message): void {
    this.#say(formatMessage(message));
    this.#nodes.find(({ id }) => id === message.to)?.step({ type: "message", message });
  }

  #elect(id: NodeId, voters: string): void {
    const { stage } = this;
    stage.nowMs += 3 * stage.settings.electionMs;
    const node = this.#nodes.find((one) => one.id === id);
    const votes = voters.split(",").map(nodeId);
    // Whoever led before gives up; whoever else wants to lead is not heard.
    for (const one of this.#nodes)
      if (one === node || votes.includes(one.id)) one.step({ type: "tick" });
    for (let tries = 0; tries < 20 && node?.raft.status.role !== "leader"; tries++) {
      if (!this.#wire.some(isElection(id, votes))) node?.step({ type: "campaign" });
      const heard = this.#wire.filter(isElection(id, votes));
      this.#wire = [];
      for (const message of heard) this.#hand(message);
    }
    if (node?.raft.status.role !== "leader") throw new Error(`${id} was not elected`);
    this.#wire = this.#wire.filter(({ from, type }) => from === id && type === "append");
  }

  #pass(forMs: number): void {
    const { stage } = this;
    for (const untilMs = stage.nowMs + forMs; stage.nowMs < untilMs; ) {
      stage.nowMs += TICK_MS;
      for (const node of this.#nodes) node.step({ type: "tick" });
    }
  }

  #status(which: string | undefined): void {
    for (const { id, raft } of this.#nodes)
      if (which === undefined || id === Number(which)) this.#say(formatStatus(raft.status));
  }

  #nodeCommand(verb: string, [first = "", ...rest]: readonly string[]): void {
    const node = this.#nodes.find(({ id }) => id === Number(first));
    if (node === undefined) throw new Error(`there is no node ${first}`);
    const list = (name: string) => {
      const at = rest.indexOf(name);
      return at < 0 ? [] : (rest[at + 1] ?? "").split(",").map(nodeId);
    };
    if (verb === "campaign") node.step({ type: "campaign" });
    else if (verb === "transfer") node.step({ type: "transfer", to: nodeId(rest[0] ?? "") });
    else if (verb === "read") node.step({ type: "read", id: Number(rest[0]) });
    else if (verb === "propose") {
      const data = Buffer.from(rest.join(" "));
      node.step({ type: "propose", proposal: { id: 1, session: 0, sequence: 0, data } });
    } else if (verb === "change") {
      const members = { voters: list("voters"), learners: list("learners") };
      node.step({ type: "change", id: 1, members });
    } else if (verb === "rate") node.rate = Number(rest[0]);
    else if (verb === "hold") node.holdsWrites = true;
    else if (verb === "sync") {
      node.holdsWrites = false;
      node.sync();
    } else if (verb === "let") node.sync(Number(rest[0]));
    else if (verb === "restart") node.restart(Number(rest[1] ?? 0));
    else if (verb === "compact") node.compact();
    else throw new Error(`unknown command ${verb}`);
  }
}

const nodeId = (word: string): NodeId => Number(word) as NodeId;

/** What the candidate and its voters say to each other. */
function isElection(id: NodeId, votes: readonly NodeId[]): (message: Message) => boolean {
  return ({ from, to, type }) =>
    (from === id && votes.includes(to) && (type === "preVote" || type === "vote")) ||
    (to === id && votes.includes(from) && (type === "preVoteReply" || type === "voteReply"));
}
