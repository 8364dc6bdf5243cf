/** The dataservers as one {@link BlockService}, over the simulated network, as one peer sees them. */
import { QuarryError } from "../../base/errors.ts";
import type { DeviceId } from "../../base/ids.ts";
import type { Dice } from "../../raft/testing/dice.ts";
import type { BlockService } from "../../rpc/block-service.ts";
import { InterruptedCall } from "../../rpc/call.ts";
import type { Heartbeats } from "./heartbeats.ts";
import type { SimProcess } from "./process.ts";
import type { SimDataserver } from "./sim-dataserver.ts";
import type { SimNetwork } from "./sim-network.ts";

/** A device that there is not any more: it confirms every removal, and takes nothing. */
export const NOWHERE = "nowhere" as DeviceId;
const DEADLINE_MS = 800;

export interface Peer {
  /** On the network. */
  readonly id: number;
  readonly process: SimProcess;
}

export interface BlockLineSurroundings {
  readonly network: SimNetwork;
  readonly dice: Dice;
  readonly dataservers: readonly SimDataserver[];
  readonly heartbeats: Heartbeats;
}

const unasked = () => Promise.reject(new QuarryError("NotImplemented", "nobody heals here yet"));

export function blockLine(around: BlockLineSurroundings, peer: Peer): BlockService {
  const serverOf = (device: DeviceId): SimDataserver => {
    const server = around.dataservers.find((one) => one.device === device);
    if (server === undefined) throw new QuarryError("NoSuchDevice", `there is no ${device}`);
    return server;
  };
  const ask = async <T>(device: DeviceId, run: (server: SimDataserver) => Promise<T>): Promise<T> =>
    await call(around, peer, serverOf(device), run);
  return {
    devices: async () =>
      around.dataservers.map((server) => around.heartbeats.statusOf(server, peer.id)),
    blocks: (device, after, limit) => ask(device, (server) => server.blocks(device, after, limit)),
    createBlock: (address) => ask(address.device, (server) => server.createBlock(address)),
    append: (request, data) => {
      // The sender's memory is used again when it has given up.
      const sent = Buffer.from(data);
      return ask(request.device, (server) => server.append(request, sent));
    },
    read: (request) => ask(request.device, (server) => server.read(request)),
    remove: async (address, needles) => {
      if (address.device === NOWHERE) return;
      await ask(address.device, (server) => server.remove(address, needles));
    },
    sealBlock: (address) => ask(address.device, (server) => server.sealBlock(address)),
    needles: (address, cursor, limit) =>
      ask(address.device, (server) => server.needles(address, cursor, limit)),
    compact: (address) => ask(address.device, (server) => server.compact(address)),
    switchGeneration: (address) =>
      ask(address.device, (server) => server.switchGeneration(address)),
    retire: (address) => ask(address.device, (server) => server.retire(address)),
    // Nothing in the simulator asks for healing yet.
    report: unasked,
    inventory: unasked,
    fetch: unasked,
    records: unasked,
    rebuild: unasked,
    rebuilds: unasked,
    readStripe: unasked,
    stage: unasked,
    finishStage: unasked,
    dropStage: unasked,
    convert: unasked,
  };
}

function call<T>(
  { network, dice }: BlockLineSurroundings,
  { id, process }: Peer,
  server: SimDataserver,
  run: (server: SimDataserver) => Promise<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const end = (code: "Timeout" | "Unavailable", mayHaveExecuted: boolean) =>
      reject(new InterruptedCall(code, `${server.device} gave no answer`, mayHaveExecuted));
    const timer = process.after(DEADLINE_MS, () => end("Timeout", true));
    const answer = (tell: () => void) =>
      network.carry(
        server.id,
        id,
        () =>
          process.enter(() => {
            timer.cancel();
            tell();
          }),
        true,
      );
    network.carry(id, server.id, () => {
      const life = server.process;
      // Where nothing listens a connection is mostly refused.
      if (life === undefined && dice.chance(0.7)) answer(() => end("Unavailable", false));
      life?.enter(() => {
        const ifAlive = (tell: () => void) => {
          if (life.isAlive) answer(tell);
        };
        run(server).then(
          (said) => ifAlive(() => resolve(said)),
          (error: unknown) => ifAlive(() => reject(error)),
        );
      });
    });
  });
}
