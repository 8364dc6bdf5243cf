import { expect, test } from "vitest";
import type { LogIndex, NodeId, Term } from "../../base/ids.ts";
import type { MemberStatus, PeerStatus } from "../../rpc/group-service.ts";
import { type Answer, table } from "./nameserver-status.ts";

const addressOf = (node: number) => `10.0.0.${node}:7001`;
const voters = [1, 2, 3] as NodeId[];

function answer(node: number, role: MemberStatus["role"], peers: PeerStatus[] = []): Answer {
  const place = (voter: NodeId) =>
    ({ node: voter, address: addressOf(voter), role: "voter" }) as const;
  const status: MemberStatus = {
    ...{ node: node as NodeId, role, term: 7 as Term, leader: 0 as NodeId },
    ...{ commit: 90 as LogIndex, lastIndex: 90 as LogIndex, applied: 90 as LogIndex },
    ...{ digest: "d", voters, learners: [], isRecovering: false, receivedBytes: undefined },
    ...{ members: voters.map(place), nextNode: 4, peers },
  };
  return { address: addressOf(node), status };
}

const peer = (node: number, match: number, silentMs: number): PeerStatus => ({
  ...{ node: node as NodeId, match: match as LogIndex, silentMs },
  ...{ state: "replicate", isRecovering: false },
});

const silent: Answer = { address: addressOf(1), error: "no way there" };

test("without a leader voters are voters still", () => {
  expect(table([silent, answer(2, "follower"), answer(3, "candidate")])).toEqual([
    "no leader: nothing can be read or changed until more than half of the voters are there",
    "  1  10.0.0.1:7001  voter  no answer: no way there",
    "  2  10.0.0.2:7001  voter  applied 90, state d",
    "  3  10.0.0.3:7001  voter  applied 90, state d",
  ]);
});

test("of a silent member the silence is told, not a lag that nobody knows", () => {
  const leading = answer(3, "leader", [peer(1, 0, 61_000), peer(2, 80, 100)]);
  expect(table([silent, answer(2, "follower"), leading])).toEqual([
    "nameserver 3 leads in term 7; 3 voters, 0 learners",
    "  1  10.0.0.1:7001  voter  not heard for 61 s  no answer: no way there",
    "  2  10.0.0.2:7001  voter  10 entries behind  applied 90, state d",
    "  3  10.0.0.3:7001  voter  leads  applied 90, state d",
  ]);
});
