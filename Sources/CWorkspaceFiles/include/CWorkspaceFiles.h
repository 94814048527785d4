#ifndef CWORKSPACEFILES_H
#define CWORKSPACEFILES_H

#include <stdint.h>

// What Swift's view of glibc does not reach: statx, which names the mount that an entry lies on, and
// statfs, which names the kind of its file system.

/// What lies at a name; a link is not followed.
struct roost_entry {
    uint64_t device;
    uint64_t inode;
    /// The mount's number; 0 on kernels before 5.8, which don't tell.
    uint64_t mount;
    uint64_t links;
    /// Bytes on the disk.
    uint64_t allocated;
    int64_t changed_seconds;
    uint32_t changed_nanoseconds;
    /// Kind and permissions, as st_mode has them.
    uint32_t mode;
    uint32_t owner;
    uint32_t group;
};

/// Fills in `entry` for `name` in `folder`; an empty name means the descriptor's own file. Returns 0 or the error's number.
int roost_look(int folder, const char *name, struct roost_entry *entry);

/// Opens whatever lies at `name`, a link itself included, without touching it. Returns a descriptor, or -1 and errno.
int roost_pin(int folder, const char *name);

/// Changes the owner of what a descriptor of `roost_pin` stands for. Returns 0 or the error's number.
int roost_give(int pinned, uint32_t owner, uint32_t group);

/// The clock that file systems stamp changes with.
void roost_file_clock(int64_t *seconds, uint32_t *nanoseconds);

/// Whether a path leads to a file system in memory (tmpfs). False also where that can't be told.
int roost_is_in_memory(const char *path);

#endif
