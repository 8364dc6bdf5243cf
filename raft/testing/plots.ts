/** Faults that conspire: the rare coincidences that Raft's rules are there for, made frequent. */
import type { NodeId } from "../../base/ids.ts";
import { isJoint } from "../configuration.ts";
import type { SimNode } from "./node.ts";
import type { World } from "./world.ts";

const PLOT_MS = 350;
/** Other faults wait so long while one of these is under way. */
export const PLOT_QUIET_MS = 800;

/**
 * The leader is cut off at the very moment when another takes over: one that did not hear it for a
 * while, or that it asked itself, perhaps with the help of a voter that has just forgotten
 * everything. Meanwhile many read from the old leader.
 */
export function usurp(world: World, leader: SimNode): void {
  const { dice, network, agenda, nodes } = world;
  const others = nodes.filter((node) => node !== leader);
  const electors = nodes.filter(({ id }) => id !== leader.id && voters(leader).includes(id));
  const rival = dice.pick(electors);
  if (rival === undefined) return;
  const isWished = dice.chance(0.4);
  network.slowest = dice.between(2, 4);
  const wasDeaf = !isWished && dice.chance(0.7);
  // Who lacks entries is not elected: sometimes there are no new ones for it to miss.
  if (dice.chance(0.7)) world.clients.quietUntilMs = agenda.nowMs + 450;
  agenda.after(80, () => {
    if (wasDeaf) network.cut(leader.id, rival.id);
  });
  agenda.after(dice.between(280, 400), () => {
    if (isWished) leader.live(0, () => leader.step({ type: "transfer", to: rival.id }));
    agenda.after(isWished ? dice.between(1, 12) : 0, () => {
      network.split([[leader.id], others.map(({ id }) => id)]);
      if (dice.chance(0.6)) restart(world, dice.pick(electors.filter((node) => node !== rival)));
    });
    repeat(world, PLOT_MS, [2, 6], () => leader.read(world.nextRead()));
    repeat(world, PLOT_MS, [5, 10], () => {
      if (!isWished) rival.live(0, () => rival.step({ type: "campaign" }));
    });
    agenda.after(PLOT_MS, () => {
      network.heal();
      network.slowest = 20;
    });
  });
}

/** The voters are exchanged for others, and the old ones and the new do not see each other. */
export function migrate(world: World, leader: SimNode): void {
  const { dice, network, agenda, nodes } = world;
  const { learners } = leader.status?.configuration ?? { learners: [] };
  const next = [leader.id, ...learners];
  const change = (members: { voters: readonly NodeId[]; learners: readonly NodeId[] }) =>
    leader.live(0, () => leader.step({ type: "change", id: -1, members }));
  if (next.length < 3) {
    const spare = nodes.map(({ id }) => id).filter((id) => !voters(leader).includes(id));
    change({ voters: voters(leader), learners: spare });
    return;
  }
  change({ voters: next, learners: [] });
  agenda.after(dice.between(0, 10), () => {
    const rest = nodes.map(({ id }) => id).filter((id) => !next.includes(id));
    network.split([next, rest]);
    agenda.after(2 * PLOT_MS, () => network.heal());
  });
}

/** The leader dies, several want to follow it, and voters restart in the middle of the elections. */
export function contend(world: World, leader: SimNode): void {
  const { dice, agenda, nodes, network } = world;
  restart(world, leader);
  network.slowest = dice.between(5, 60);
  repeat(world, PLOT_MS, [3, 30], () => {
    for (const node of nodes)
      if (dice.chance(0.5)) node.live(0, () => node.step({ type: "campaign" }));
    if (dice.chance(0.3)) restart(world, dice.pick(nodes));
  });
  agenda.after(PLOT_MS, () => {
    network.slowest = 20;
  });
}

/**
 * Leaders fall one after the other, each when its entries have reached only some of the others: what
 * figure 8 of the paper warns of.
 */
export function topple(world: World): void {
  const { dice, network, agenda, nodes } = world;
  network.slowest = dice.between(4, 30);
  for (let round = 0; round < 8; round++)
    agenda.after(round * 80, () => {
      const { leader } = world;
      if (leader === undefined) return;
      network.heal();
      for (const { id } of nodes)
        if (id !== leader.id && dice.chance(0.6)) network.cut(leader.id, id);
      agenda.after(dice.between(1, 30), () => {
        restart(world, leader);
        network.heal();
        const rivals = nodes.filter(({ id }) => id !== leader.id && voters(leader).includes(id));
        const rival = dice.chance(0.5) ? leader : dice.pick(rivals);
        repeat(world, 50, [5, 10], () => rival?.live(0, () => rival.step({ type: "campaign" })));
      });
    });
}

/**
 * What the leader decides reaches one follower only, whose log is damaged right after that; then the
 * leader is cut off, and those who lack the decision want to lead.
 */
export function burn(world: World, leader: SimNode): void {
  const { dice, network, agenda, nodes } = world;
  const electors = nodes.filter(({ id }) => id !== leader.id && voters(leader).includes(id));
  const witness = dice.pick(electors);
  if (witness === undefined || !mayDamage(world, witness)) return;
  const rivals = electors.filter((node) => node !== witness);
  network.slowest = dice.between(2, 6);
  for (const { id } of rivals) network.cut(leader.id, id);
  agenda.after(dice.between(40, 140), () => {
    network.split([[leader.id], nodes.map(({ id }) => id).filter((id) => id !== leader.id)]);
    if (witness.raft !== undefined && mayDamage(world, witness)) {
      witness.crash();
      witness.storage.damage(dice.between(1, 6));
      agenda.after(dice.between(1, 10), () => {
        if (witness.raft === undefined) witness.start();
      });
    }
    repeat(world, PLOT_MS, [5, 15], () => {
      for (const node of rivals) node.live(0, () => node.step({ type: "campaign" }));
    });
    // Sometimes the old leader comes back in the middle, and speaks to the witness first.
    agenda.after(dice.between(20, PLOT_MS), () => {
      network.heal();
      network.slowest = 20;
      for (const { id } of rivals) if (dice.chance(0.5)) network.cut(leader.id, id);
    });
    agenda.after(PLOT_MS, () => network.heal());
  });
}

/** Never a majority of the voters at a time: that could not recover. */
export function mayDamage({ nodes }: World, victim: SimNode): boolean {
  const configuration = victim.status?.configuration;
  if (configuration === undefined || victim.storage.hardState === undefined) return false;
  if (isJoint(configuration)) return false;
  const lost = nodes.filter(({ storage }) => storage.hardState?.mustNotVote === true).length;
  return lost < Math.floor((configuration.voters.length - 1) / 2);
}

function voters(node: SimNode): readonly NodeId[] {
  return node.status?.configuration.voters ?? [];
}

function restart({ agenda, dice }: World, node: SimNode | undefined): void {
  if (node?.raft === undefined) return;
  node.crash();
  agenda.after(dice.between(1, 10), () => {
    if (node.raft === undefined) node.start();
  });
}

function repeat(
  { agenda, dice }: World,
  forMs: number,
  [least, most]: readonly [number, number],
  run: () => void,
): void {
  const untilMs = agenda.nowMs + forMs;
  const again = () => {
    run();
    if (agenda.nowMs < untilMs) agenda.after(dice.between(least, most), again);
  };
  again();
}
