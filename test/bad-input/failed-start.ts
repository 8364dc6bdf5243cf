/** A `quarry serve` that is expected to refuse its start. */
import { startServer } from "../server-process.ts";

/** What it printed. Throws when it starts all the same. */
export async function failedStart(options: Parameters<typeof startServer>[0]): Promise<string> {
  const failure = await startServer({ ...options, timeoutMs: 20_000 }).then(
    async (server) => {
      await server.kill();
      return undefined;
    },
    (error: unknown) => String(error),
  );
  if (failure === undefined) throw new Error("the server started");
  if (!failure.includes("the server ended at its start")) throw new Error(failure);
  if (/\n {4}at /.test(failure)) throw new Error(`a stack instead of a sentence: ${failure}`);
  return failure;
}
