// peak FILE PROGRAM [ARGUMENT]... - runs a program and writes its peak memory to FILE.
//
// The figure is the largest resident set, in bytes, of the program or of any that it started and waited for, as the kernel
// keeps it (ru_maxrss). A child begins with its parent's memory, which counts: this program is small so that the figure
// is the other one's. Ends as that one did; signals that end it are handed on.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t child;

static void hand_on(int number) {
  if (child > 0) kill(child, number);
}

int main(int count, char **arguments) {
  if (count < 3) {
    fputs("usage: peak FILE PROGRAM [ARGUMENT]...\n", stderr);
    return 2;
  }
  signal(SIGTERM, hand_on);
  signal(SIGINT, hand_on);
  signal(SIGHUP, hand_on);
  child = fork();
  if (child < 0) return 1;
  if (child == 0) {
    signal(SIGTERM, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    execv(arguments[2], arguments + 2);
    perror(arguments[2]);
    _exit(127);
  }
  int status;
  struct rusage usage;
  while (wait4(child, &status, 0, &usage) < 0) {
    if (errno != EINTR) return 1;
  }
  FILE *file = fopen(arguments[1], "w");
  if (file == NULL || fprintf(file, "%lld\n", usage.ru_maxrss * 1024LL) < 0 || fclose(file) != 0) {
    perror(arguments[1]);
    return 1;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
