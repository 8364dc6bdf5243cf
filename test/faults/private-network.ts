/**
 * Hosts of a network that only this process and its children can see: a bridge, and a network
 * namespace with a veth pair for each host. Nothing of the machine's own network is touched, and all
 * of it ends with the process, however that ends.
 *
 * A cut drops what one host sends to another, silently and in this direction alone: the neighbour's
 * hardware address becomes one that nobody has. That works without modules of the kernel for filters.
 */
import { execFileSync, spawn } from "node:child_process";
import { createInterface } from "node:readline";

const INSIDE = "QUARRY_PRIVATE_NETWORK";
const asRoot = process.getuid?.() === 0;
/** The kernel ends all processes of the inner one when `unshare` ends. */
const UNSHARE = ["unshare", ...(asRoot ? ["-nmpf"] : ["-rnmpf"]), "--kill-child", "--mount-proc"];
const PLACES = "mount -t tmpfs none /run && mkdir /run/netns";
const PORT = 7_001;
const NOBODY = "02:00:00:00:ff:ff";
const BRIDGE = "quarry0";

/** The network's own process, beside the hosts: where the clients are. */
export const CLIENTS = 254;

/** Why no such network can be made here, or undefined. */
export function whyNotPrivate(): string | undefined {
  const script = `${PLACES} && ip link add name ${BRIDGE} type bridge && ip netns add n1 && ip link add v1 type veth peer name e0 netns n1 && nsenter --net=/run/netns/n1 true`;
  try {
    const [command = "", ...words] = UNSHARE;
    execFileSync(command, [...words, "sh", "-c", script], { stdio: ["ignore", "ignore", "pipe"] });
    return undefined;
  } catch (error) {
    return `this machine lets nobody make network namespaces with bridge and veth: ${String(error)}`;
  }
}

export const isInside = (): boolean => process.env[INSIDE] !== undefined;

/**
 * Runs a fault of main.ts in a process with a network of its own, and passes on what it says, line by
 * line. Resolves with its counts, the line of JSON.
 */
export async function runInside(
  args: readonly string[],
  say: (line: string) => void,
): Promise<unknown> {
  const main = new URL("./main.ts", import.meta.url).pathname;
  const [command = "", ...words] = [...UNSHARE, "sh", "-c", `${PLACES} && exec "$@"`, "sh"];
  const child = spawn(command, [...words, process.execPath, main, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, [INSIDE]: "1" },
  });
  // The inner process is the first of its namespace; it goes when this one does.
  const end = () => child.kill("SIGKILL");
  process.once("exit", end);
  try {
    let counts = "";
    for await (const line of createInterface({ input: child.stdout })) {
      if (line.startsWith("{")) counts = line;
      else say(line);
    }
    return JSON.parse(counts);
  } finally {
    end();
    process.off("exit", end);
  }
}

function ip(...lines: readonly string[]): void {
  execFileSync("ip", ["-batch", "-"], {
    input: lines.join("\n"),
    stdio: ["pipe", "ignore", "pipe"],
  });
}

const hostOf = (node: number) => `10.77.0.${node}`;
const hardwareOf = (node: number) => `02:00:00:00:00:${node.toString(16).padStart(2, "0")}`;
const deviceOf = (node: number) => (node === CLIENTS ? BRIDGE : "e0");

function shape(node: number, what: "add" | "del", ...how: readonly string[]): void {
  const args = ["-n", `n${node}`, "qdisc", what, "dev", "e0", "root", ...how];
  execFileSync("tc", args, { stdio: ["ignore", "ignore", "pipe"] });
}

const NETEM = ["netem", "delay", "20ms", "10ms", "loss", "3%"];
const SLOW = ["tbf", "rate", "4mbit", "burst", "16kb", "latency", "60ms"];

function hasNetem(node: number): boolean {
  try {
    shape(node, "add", ...NETEM);
    shape(node, "del");
    return true;
  } catch {
    return false;
  }
}

export class PrivateNetwork {
  readonly nodes: readonly number[];
  /** Whether the kernel can delay and lose packets by itself. */
  readonly hasNetem: boolean;
  readonly #cut = new Set<string>();

  /** Only {@link runInside}. */
  constructor(count: number) {
    this.nodes = Array.from({ length: count }, (_, i) => i + 1);
    ip(
      "link set lo up",
      `link add name ${BRIDGE} address ${hardwareOf(CLIENTS)} type bridge`,
      `address add ${hostOf(CLIENTS)}/24 dev ${BRIDGE}`,
      `link set ${BRIDGE} up`,
      ...this.nodes.flatMap((node) => [
        `netns add n${node}`,
        `link add v${node} type veth peer name e0 address ${hardwareOf(node)} netns n${node}`,
        `link set v${node} master ${BRIDGE} up`,
      ]),
    );
    for (const node of this.nodes)
      this.#in(node, "link set lo up", `address add ${hostOf(node)}/24 dev e0`, "link set e0 up");
    for (const from of [...this.nodes, CLIENTS])
      for (const to of [...this.nodes, CLIENTS]) if (from !== to) this.#lead(from, to, true);
    this.hasNetem = hasNetem(1);
  }

  address(node: number): { readonly host: string; readonly port: number } {
    return { host: hostOf(node), port: PORT };
  }

  /** All hosts, and where the clients are. */
  get everybody(): readonly number[] {
    return [...this.nodes, CLIENTS];
  }

  /** The beginning of a command that runs at a host. */
  within(node: number): readonly string[] {
    return ["nsenter", `--net=/run/netns/n${node}`];
  }

  /** From now on nothing that `from` sends reaches `to`. */
  cut(from: number, to: number): void {
    this.#cut.add(`${from}-${to}`);
    this.#lead(from, to, false);
  }

  /** It does again. */
  join(from: number, to: number): void {
    this.#cut.delete(`${from}-${to}`);
    this.#lead(from, to, true);
  }

  heal(): void {
    for (const pair of this.#cut) {
      const [from = 0, to = 0] = pair.split("-").map(Number);
      this.#lead(from, to, true);
    }
    this.#cut.clear();
  }

  /** What a host sends is late and sometimes lost. */
  spoil(node: number): void {
    shape(node, "add", ...(this.hasNetem ? NETEM : SLOW));
  }

  mend(node: number): void {
    shape(node, "del");
  }

  #lead(from: number, to: number, rightly: boolean): void {
    const hardware = rightly ? hardwareOf(to) : NOBODY;
    const line = `neighbour replace ${hostOf(to)} lladdr ${hardware} dev ${deviceOf(from)} nud permanent`;
    if (from === CLIENTS) ip(line);
    else this.#in(from, line);
  }

  #in(node: number, ...lines: readonly string[]): void {
    execFileSync("ip", ["-n", `n${node}`, "-batch", "-"], {
      input: lines.join("\n"),
      stdio: ["pipe", "ignore", "pipe"],
    });
  }
}
