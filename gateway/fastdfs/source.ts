/** The address that names of files tell, and by which clients find a storage. */

/** How a name tells a storage that has no IPv4 address. */
export const STORAGE_NUMBER = "100001";

/** An IPv4 address that came over an IPv6 socket is told as itself. */
export const reachedAt = (address = "") => address.replace(/^::ffff:(?=[0-9.]+$)/, "");
