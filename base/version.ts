/** Of this software, as its package says. */
export const SOFTWARE_VERSION = "0.1.0";
