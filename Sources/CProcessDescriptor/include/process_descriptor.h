#pragma once
// What Linux offers to follow a process that is nobody's child: its descriptor (pidfd_open(2)), the status that it
// exited with (PIDFD_GET_INFO, Linux 6.15), and one set of descriptors to wait on (epoll(7)). The C library's headers
// are often older than the kernel, so that the constants are here. Results below zero are errors: -errno. On systems
// other than Linux every call answers -ENOSYS.
#include <stdint.h>

/// A descriptor of the process, closed on exec.
int process_descriptor_open(int32_t pid);

/// 1 once the process has been reaped, so that its number may be another's; else 0.
int process_descriptor_is_reaped(int descriptor);

/// 1 with the status as wait(2) has it, 0 where there is none: the process lives, has not been reaped yet, or the
/// kernel does not keep it.
int process_descriptor_exit_status(int descriptor, int32_t *status);

int process_descriptor_close(int descriptor);

/// A set that tells which of its descriptors' processes have exited or been reaped, each change once.
int process_set_create(void);

/// A descriptor that is closed leaves the set by itself.
int process_set_add(int set, int descriptor, uint64_t token);

/// The tokens of at most `capacity` descriptors with news; their number. Does not wait.
int process_set_next(int set, uint64_t *tokens, int capacity);
