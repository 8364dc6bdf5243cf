/** Programs that wait for an answer and for nothing else would end before it comes. */
import { stayAwake } from "../base/clock.ts";

const PAUSE_MS = 500;

/** Waits for something that does not keep the process alive by itself. */
export async function awake<T>(running: Promise<T>): Promise<T> {
  let isOver = false;
  const over = running.finally(() => {
    isOver = true;
  });
  while (!isOver) await Promise.race([over, stayAwake(PAUSE_MS)]);
  return await over;
}
