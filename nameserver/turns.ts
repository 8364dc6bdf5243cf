/** In which order clients are told of open blocks. */
import { filled, type OpenBlock } from "../rpc/name-service.ts";

/** The first block of each device, then the second of each, beginning with another device each turn. */
export function inTurn(blocks: readonly OpenBlock[], turn: number): OpenBlock[] {
  const byDevice = [...Map.groupBy(blocks, ({ members }) => filled(members)[0]).values()];
  const first = turn % Math.max(1, byDevice.length);
  const devices = [...byDevice.slice(first), ...byDevice.slice(0, first)];
  const most = Math.max(0, ...devices.map(({ length }) => length));
  return Array.from({ length: most }, (_, nth) => devices.map((some) => some[nth]))
    .flat()
    .filter((block) => block !== undefined);
}
