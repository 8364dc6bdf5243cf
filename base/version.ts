/** Of this software, as its package says. */
export const SOFTWARE_VERSION = "0.1.0";

/**
 * What the nameservers of a group can apply: it goes up with every release whose commands, or what they
 * do, are others than before (docs/upgrade.md). A group works at the highest that all its members know.
 */
export const LEVEL = 4;
/** Of states that say none. */
export const FIRST_LEVEL = 1;
