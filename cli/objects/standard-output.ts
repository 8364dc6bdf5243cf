/** Objects to the standard output, whose reader may leave when it has enough. */
import { streamObject } from "./download-device.ts";
import type { Source } from "./open-object.ts";
import type { Session } from "./session.ts";

export async function streamToOutput(
  session: Session,
  from: Source,
  range: string | undefined,
): Promise<void> {
  try {
    await streamObject(session, from, process.stdout, range);
  } catch (error) {
    // `… | head`: that is no failure.
    if ((error as NodeJS.ErrnoException).code !== "EPIPE") throw error;
  }
}
