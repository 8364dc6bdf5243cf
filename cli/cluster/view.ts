/** How the members of a cluster stand: as their processes are, and as they say of themselves. */
import type { MemberStatus } from "../../rpc/group-service.ts";
import type { Health } from "../../rpc/health.ts";
import type { MemberState } from "./member.ts";

export interface SeenMember {
  readonly name: string;
  readonly state: MemberState;
  /** 0 while it does not run. */
  readonly pid: number;
  readonly address: string;
}

export interface SeenNameserver extends SeenMember {
  /** Absent while it does not answer. */
  readonly role?: MemberStatus["role"];
  readonly term?: number;
  /** Entries that it has not applied and the leader has committed; absent while none leads. */
  readonly lag?: number;
}

export interface SeenDataserver extends SeenMember {
  readonly rack: string;
  /** As the leading nameserver sees its device; absent while none says. */
  readonly device?: {
    readonly state: "ok" | "full" | "failed" | "down";
    readonly isIn: boolean;
    readonly totalBytes: number;
    readonly freeBytes: number;
  };
}

export interface SeenGateway extends SeenMember {
  readonly url: string;
  /** Since it was last looked at; absent while it does not say. */
  readonly requestsPerSecond?: number;
}

export interface ClusterView {
  readonly directory: string;
  /** Whether the leading nameserver said how dataservers stand. */
  readonly isTold: boolean;
  /** Of the cluster map; 0 while no nameserver tells it. */
  readonly epoch: number;
  readonly nameservers: readonly SeenNameserver[];
  readonly dataservers: readonly SeenDataserver[];
  readonly gateways: readonly SeenGateway[];
  /** As the leading nameserver finds it; absent while none says. */
  readonly health?: Health;
}
