/* Preloaded into a server: while the file named by QUARRY_SYNC_FAILS exists, nothing can be made
 * durable. Also in code that Node does not know of, such as LevelDB's. */
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static int fails(void) {
  const char *path = getenv("QUARRY_SYNC_FAILS");
  if (path == NULL || access(path, F_OK) != 0) return 0;
  errno = EIO;
  return 1;
}

int fsync(int fd) { return fails() ? -1 : (int)syscall(SYS_fsync, fd); }

int fdatasync(int fd) { return fails() ? -1 : (int)syscall(SYS_fdatasync, fd); }
