/** The user that a store is born with, who makes the others. Owns what a program makes that embeds it. */
export const ROOT_USER = "0000000000000000000000000000000000000000000000000000000000000001";
