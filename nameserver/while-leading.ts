/** Only the leader of a group answers: the others say who that is. */
import type { NameService } from "../rpc/name-service.ts";
import { NotLeader } from "../rpc/not-leader.ts";
import { outcomeUnknown } from "./group/failures.ts";
import { notLeader } from "./group/group-service.ts";
import type { Replica } from "./group/replica.ts";
import type { Roster } from "./group/roster.ts";

/** Whoever leads no more without knowing it is found out by the group: reads and changes fail there. */
export function whileLeading(
  service: NameService,
  group: Replica,
  roster: Pick<Roster, "addressOf">,
): NameService {
  type Methods = Record<string, (...args: unknown[]) => Promise<unknown>>;
  const guarded = Object.entries(service as unknown as Methods).map(
    ([name, method]) =>
      [
        name,
        async (...args: unknown[]) => {
          if (!group.isLeader) throw notLeader(group, roster);
          try {
            return await method(...args);
          } catch (error) {
            // What ends one nameserver says nothing of what the others make of the request.
            const { failure } = group;
            if (failure === undefined || error !== failure) throw error;
            throw name === "execute" ? outcomeUnknown() : new NotLeader(failure.message, undefined);
          }
        },
      ] as const,
  );
  return Object.fromEntries(guarded) as unknown as NameService;
}
