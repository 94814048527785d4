#define _GNU_SOURCE
#include "process_descriptor.h"
#include <errno.h>

#if defined(__linux__)

#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

// The same number on every architecture since Linux 5.3 and 5.1.
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_send_signal
#define SYS_pidfd_send_signal 424
#endif

// The first version of the kernel's structure (include/uapi/linux/pidfd.h): later ones are longer, and every kernel
// takes this one. The last field was spare before Linux 6.15.
struct exit_info {
  uint64_t mask;
  uint64_t cgroup_id;
  uint32_t pid, tgid, ppid;
  uint32_t user_and_group_ids[8];
  int32_t exit_code;
};
_Static_assert(sizeof(struct exit_info) == 64, "the kernel knows the structure by its size");

#define GET_INFO _IOWR(0xFF, 11, struct exit_info)
#define INFO_EXIT (UINT64_C(1) << 3)

static int result_of(long result) { return result < 0 ? -errno : (int)result; }

int process_descriptor_open(int32_t pid) { return result_of(syscall(SYS_pidfd_open, pid, 0)); }

int process_descriptor_is_reaped(int descriptor) {
  // Signal 0 only asks. A process that may not be signalled is there all the same.
  if (syscall(SYS_pidfd_send_signal, descriptor, 0, NULL, 0) == 0 || errno == EPERM) return 0;
  return errno == ESRCH ? 1 : -errno;
}

int process_descriptor_exit_status(int descriptor, int32_t *status) {
  struct exit_info info;
  memset(&info, 0, sizeof info);
  info.mask = INFO_EXIT;
  if (ioctl(descriptor, GET_INFO, &info) < 0) return -errno;
  if (!(info.mask & INFO_EXIT)) return 0;
  *status = info.exit_code;
  return 1;
}

int process_descriptor_close(int descriptor) { return result_of(close(descriptor)); }

int process_set_create(void) { return result_of(epoll_create1(EPOLL_CLOEXEC)); }

int process_set_add(int set, int descriptor, uint64_t token) {
  // Edges: a process that has exited and is not reaped would be told of over and over.
  struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = token};
  return result_of(epoll_ctl(set, EPOLL_CTL_ADD, descriptor, &event));
}

int process_set_next(int set, uint64_t *tokens, int capacity) {
  struct epoll_event events[16];
  if (capacity > 16) capacity = 16;
  int count = epoll_wait(set, events, capacity, 0);
  if (count < 0) return -errno;
  for (int i = 0; i < count; i++) tokens[i] = events[i].data.u64;
  return count;
}

#else

int process_descriptor_open(int32_t pid) { (void)pid; return -ENOSYS; }
int process_descriptor_is_reaped(int descriptor) { (void)descriptor; return -ENOSYS; }
int process_descriptor_exit_status(int descriptor, int32_t *status) { (void)descriptor; (void)status; return -ENOSYS; }
int process_descriptor_close(int descriptor) { (void)descriptor; return -ENOSYS; }
int process_set_create(void) { return -ENOSYS; }
int process_set_add(int set, int descriptor, uint64_t token) { (void)set; (void)descriptor; (void)token; return -ENOSYS; }
int process_set_next(int set, uint64_t *tokens, int capacity) { (void)set; (void)tokens; (void)capacity; return -ENOSYS; }

#endif
