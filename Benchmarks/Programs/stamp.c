// stamp NAME MILLISECONDS - tells when it begins, sleeps, and tells when it ends.
//
// Prints "begin NAME T" and "end NAME T", where T is the kernel's monotonic clock in nanoseconds: all processes of a
// machine share it, whatever container they are in. The first reading comes before the first byte of output, the last
// one just before the program exits.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int tell(const char *what, const char *name) {
  char line[256];
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  long long nanoseconds = now.tv_sec * 1000000000LL + now.tv_nsec;
  int length = snprintf(line, sizeof line, "%s %.64s %lld\n", what, name, nanoseconds);
  return write(STDOUT_FILENO, line, (size_t)length) == length ? 0 : -1;
}

int main(int count, char **arguments) {
  if (count != 3) {
    fputs("usage: stamp NAME MILLISECONDS\n", stderr);
    return 2;
  }
  if (tell("begin", arguments[1]) != 0) return 1;
  long milliseconds = strtol(arguments[2], NULL, 10);
  struct timespec pause = {milliseconds / 1000, milliseconds % 1000 * 1000000};
  while (nanosleep(&pause, &pause) != 0) continue;
  return tell("end", arguments[1]) == 0 ? 0 : 1;
}
