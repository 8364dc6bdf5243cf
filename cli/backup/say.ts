/** What backups say about themselves. */
import { counted, formatBytes } from "../objects/printable.ts";
import type { Backup } from "./write-backup.ts";

export function saidBackup({ rows, index, timeMs, digest }: Backup): string {
  const when = timeMs === 0 ? "" : ` of ${new Date(timeMs).toISOString()}`;
  return `${counted(rows, "row")}, as of entry ${index}${when}, digest ${digest}`;
}

const SHOW_EVERY_BYTES = 4 * 1024 * 1024;

/** A line on the terminal that counts; nothing where nobody looks. */
export function counter(shown: boolean) {
  const on = shown && process.stderr.isTTY === true;
  let told = 0;
  return {
    show(bytes: number, rows: number): void {
      if (!on || bytes - told < SHOW_EVERY_BYTES) return;
      told = bytes;
      process.stderr.write(`\r${formatBytes(bytes)}, ${counted(rows, "row")} `);
    },
    [Symbol.dispose](): void {
      if (told > 0) process.stderr.write("\r\x1b[K");
    },
  };
}
