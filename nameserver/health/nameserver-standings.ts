/** How the other nameservers of the group stand, as the one that leads sees it. */
import type { Clock } from "../../base/clock.ts";
import type { Replica } from "../group/replica.ts";
import type { Roster } from "../group/roster.ts";
import type { NameserverStanding } from "./concerns.ts";

export function nameserverStandings(
  { status }: Pick<Replica, "status">,
  roster: Pick<Roster, "addressOf">,
  clock: Clock,
): NameserverStanding[] {
  const { voters } = status.configuration;
  const nowMs = clock.monotonicMs();
  return status.peers.map(({ id, contactMs, isRecovering }) => ({
    name: `${id} (${roster.addressOf(id) ?? "address not known"})`,
    isVoter: voters.includes(id),
    silentMs: Math.max(0, nowMs - contactMs),
    isRecovering,
  }));
}
