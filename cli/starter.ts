/**
 * Who started this process and holds a channel to it (Node's `ipc`): it is told when the role takes
 * part, and the role does not outlive it. What a shell started has no such one, and stays as it is.
 */
import { askedToStop } from "./serve/stop-signals.ts";

/** What a role says over the channel. */
export interface FromRole {
  readonly kind: "ready";
}

/** Says that the role takes part now. */
export function tellReady(): void {
  // One that has gone in between needs to hear nothing any more.
  if (process.connected)
    process.send?.({ kind: "ready" } satisfies FromRole, undefined, {}, () => undefined);
}

/** Resolves at Ctrl-C, as {@link askedToStop}, and when the starter is gone. */
export function askedToEnd(endAtOnce: () => void): Promise<undefined> {
  return Promise.race([askedToStop(endAtOnce), starterGone()]);
}

function starterGone(): Promise<undefined> {
  const gone = Promise.withResolvers<undefined>();
  if (process.connected) {
    process.once("disconnect", () => gone.resolve(undefined));
    process.channel?.unref();
  }
  return gone.promise;
}
