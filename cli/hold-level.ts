/** `QUARRY_HOLD_LEVEL=1`: nothing is begun that an earlier version would not understand (docs/upgrade.md). */
export const isLevelHeld = (): boolean => process.env["QUARRY_HOLD_LEVEL"] === "1";
