/** What a nameserver answers to the others of its group, and to those who ask how it stands. */
import type { GroupService, MemberStatus } from "../../rpc/group-service.ts";
import { decodeMessages } from "./message-codec.ts";
import type { Replica } from "./replica.ts";

export function groupService(replica: Replica): GroupService {
  return {
    deliver: async (batch) => {
      const { id } = replica.status;
      // What is for somebody else was sent by one who has another idea of who is where.
      for (const message of decodeMessages(batch)) if (message.to === id) replica.receive(message);
    },
    status: async () => statusOf(replica),
  };
}

function statusOf({ status, applied, digest }: Replica): MemberStatus {
  const { id, role, term, leader, commit, lastIndex, configuration, peers } = status;
  return {
    node: id,
    ...{ role, term, leader, commit, lastIndex, applied },
    digest: [digest.a, digest.b].map((half) => half.toString(16)).join("-"),
    voters: configuration.voters,
    learners: configuration.learners,
    peers: peers.map(({ id: node, match }) => ({ node, match })),
  };
}
