/** What happens to the members of a cluster, for programs as an object, for people as a line. */
import { unreachable } from "../../base/errors.ts";
import { formatSeconds } from "../objects/printable.ts";
import { sourcingLine } from "../serve/root-credentials.ts";
import type { Ending } from "./role-process.ts";

export type ClusterEvent =
  | { readonly event: "started"; readonly member: string; readonly pid: number }
  /** It takes part. */
  | { readonly event: "ready"; readonly member: string }
  | { readonly event: "paused" | "resumed"; readonly member: string }
  | {
      readonly event: "ended";
      readonly member: string;
      readonly code: number | null;
      readonly signal: string | null;
      /** Because somebody said so. */
      readonly asked: boolean;
      /** What it printed last. */
      readonly said: string;
    }
  | { readonly event: "restarting"; readonly member: string; readonly afterMs: number }
  | { readonly event: "leftAlone"; readonly member: string; readonly log: string }
  | {
      readonly event: "serving";
      readonly endpoints: readonly string[];
      readonly credentials: string;
    }
  | { readonly event: "notice"; readonly message: string }
  | { readonly event: "stopped"; readonly members: number; readonly killed: readonly string[] };

export type Tell = (event: ClusterEvent) => void;

export function lineOf(event: ClusterEvent): string {
  switch (event.event) {
    case "started":
      return `${event.member} started (process ${event.pid})`;
    case "ready":
    case "paused":
    case "resumed":
      return `${event.member} ${event.event}`;
    case "ended":
      return `${event.member} ended (${howEnded(event)})${event.asked ? "" : byItself(event)}`;
    case "restarting":
      return `${event.member} is started again in ${formatSeconds(event.afterMs / 1000)}`;
    case "leftAlone":
      return `${event.member} ends again and again, and is left alone: see ${event.log}, then \`start ${event.member}\``;
    case "serving":
      return `S3 at ${event.endpoints.join(", ")}; try it: ${sourcingLine(event.credentials)}; quarry mb s3://first`;
    case "notice":
      return event.message;
    case "stopped":
      return event.killed.length === 0
        ? `all ${event.members} members have stopped`
        : `all ${event.members} members have ended; killed, because they did not stop: ${event.killed.join(", ")}`;
    default:
      return unreachable(event);
  }
}

const howEnded = ({ code, signal }: Pick<Ending, "code"> & { readonly signal: string | null }) =>
  signal ?? (code === null ? "could not be started" : `exit code ${code}`);

/** Who was killed had nothing to say of it. */
const byItself = ({ code, said }: { readonly code: number | null; readonly said: string }) =>
  ` by itself${code === null || said === "" ? "" : `: ${said}`}`;
