/** What kinds that move whole objects have alike. */
import { QuarryError } from "../../../base/errors.ts";
import { limits } from "../../../base/limits.ts";
import type { Answer, Lane, Request } from "../request.ts";
import type { Moved, Single, Stage, Work } from "../workload.ts";

const MiB = 1024 * 1024;
const READ_OBJECTS_MOST = 1024;
const READ_OBJECTS_LEAST = 4;

export function lanesFor([bytes = 0]: readonly number[]): number {
  if (bytes >= 8 * MiB) return 4;
  return bytes >= MiB ? 16 : 32;
}

export function checkWhole([bytes = 0]: readonly number[]): void {
  if (bytes > limits.benchWholeBytes)
    throw new QuarryError(
      "InvalidArgument",
      `objects of one request have ${limits.benchWholeBytes} bytes at most; larger ones are for multipart`,
    );
}

/** Work whose operations are single requests. */
export function singles(single: Single, operations: number, repeats?: number): Work {
  return {
    async run(lane: Lane, n: number) {
      const request = single.request(n);
      const moved = single.moves(n);
      check(request, await lane.send(request), moved);
      return moved;
    },
    single,
    operations,
    ...(repeats !== undefined && { repeats }),
  };
}

/** So many objects of this size may be written by one measurement. */
export const writable = (bytes: number) =>
  Math.max(16, Math.floor(limits.benchWrittenBytes / bytes));

/** Stores the objects that are read; returns how many. */
export async function storeToRead(stage: Stage, bytes: number): Promise<number> {
  const fitting = Math.floor(limits.benchReadBytes / bytes);
  const usual = Math.min(READ_OBJECTS_MOST, Math.max(READ_OBJECTS_LEAST, fitting));
  const body = stage.payload(bytes);
  const put = (n: number): Request => ({ type: "put", key: stage.keyOf(n), body });
  return await stage.fill(stage.objects ?? usual, put, true);
}

function check({ type }: Request, answer: Answer, { bytes, keys }: Moved): void {
  if ((type === "get" || type === "range") && answer.bodyBytes !== bytes)
    throw new QuarryError("Protocol", `${answer.bodyBytes} bytes came instead of ${bytes}`);
  if (type === "list" && answer.keys !== keys)
    throw new QuarryError("Protocol", `${answer.keys} keys came instead of ${keys}`);
}
