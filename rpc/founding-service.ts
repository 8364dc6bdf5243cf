/** What the founders of a group of nameservers tell each other before it begins. */
import type { NodeId } from "../base/ids.ts";

export interface Founder {
  readonly node: NodeId;
  /** Of the folder, random. */
  readonly token: string;
  /** All founders, as in 1=host:port,2=host:port, by number. */
  readonly peers: string;
}

export interface FoundingService {
  /**
   * Notes, durably, in which folder that founder lives, and tells the own. Throws `InvalidArgument`
   * when another folder was noted for it: a member that lost its folder must not found again.
   */
  meet(founder: Founder): Promise<Founder>;
}
