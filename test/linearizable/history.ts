/** What clients asked and were told, as a checker of linearizability reads it. */

/** What is known of one key: the ETag of its object, or that there is none. */
export type Seen = string | null;

export type Request =
  | { readonly type: "read" }
  /** `match`: only over this ETag; `none`: only where there is nothing. */
  | { readonly type: "put"; readonly etag: string; readonly match?: string | "none" }
  | { readonly type: "delete" };

export type Answer =
  | { readonly type: "seen"; readonly seen: Seen }
  | { readonly type: "done" }
  /** Its condition did not hold. */
  | { readonly type: "refused" };

export interface Operation {
  readonly client: number;
  readonly key: string;
  readonly request: Request;
  /** Places in the order of all that happened. */
  readonly beganAt: number;
  /** Infinity: it was never answered, and may take effect at any time, or never. */
  readonly endedAt: number;
  readonly answer: Answer | undefined;
}

/** The state of a key after an operation, or undefined when the answer is wrong in this state. */
export function applied(
  state: Seen,
  { request, answer }: Pick<Operation, "request" | "answer">,
): { readonly state: Seen } | undefined {
  switch (request.type) {
    case "read":
      return answer === undefined || (answer.type === "seen" && answer.seen === state)
        ? { state }
        : undefined;
    case "delete":
      return answer === undefined || answer.type === "done" ? { state: null } : undefined;
    default: {
      const { match, etag } = request;
      const holds = match === undefined || (match === "none" ? state === null : state === match);
      const told = answer === undefined || (answer.type === "done") === holds;
      return told ? { state: holds ? etag : state } : undefined;
    }
  }
}
