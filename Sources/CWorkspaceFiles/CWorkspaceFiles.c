#define _GNU_SOURCE
#include "CWorkspaceFiles.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

// linux/magic.h, which not every libc brings along.
#define ROOST_TMPFS_MAGIC 0x01021994

#ifndef STATX_MNT_ID
#define STATX_MNT_ID 0x00001000U
#endif

int roost_look(int folder, const char *name, struct roost_entry *entry) {
    struct statx found;
    int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | (name[0] == 0 ? AT_EMPTY_PATH : 0);
    if (statx(folder, name, flags, STATX_BASIC_STATS | STATX_MNT_ID, &found) != 0) return errno;
    entry->device = makedev(found.stx_dev_major, found.stx_dev_minor);
    entry->inode = found.stx_ino;
    entry->mount = found.stx_mask & STATX_MNT_ID ? found.stx_mnt_id : 0;
    entry->links = found.stx_nlink;
    entry->allocated = found.stx_blocks * 512;
    entry->changed_seconds = found.stx_ctime.tv_sec;
    entry->changed_nanoseconds = found.stx_ctime.tv_nsec;
    entry->mode = found.stx_mode;
    entry->owner = found.stx_uid;
    entry->group = found.stx_gid;
    return 0;
}

int roost_pin(int folder, const char *name) {
    return openat(folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
}

int roost_give(int pinned, uint32_t owner, uint32_t group) {
    return fchownat(pinned, "", owner, group, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) == 0 ? 0 : errno;
}

void roost_file_clock(int64_t *seconds, uint32_t *nanoseconds) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    *seconds = now.tv_sec;
    *nanoseconds = now.tv_nsec;
}

int roost_is_in_memory(const char *path) {
    struct statfs found;
    return statfs(path, &found) == 0 && found.f_type == ROOST_TMPFS_MAGIC;
}
