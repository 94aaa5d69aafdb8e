/* SPDX-License-Identifier: Apache-2.0 */
/* The whole public API of liboakum: unpack container layers without trusting them. */
#ifndef OAKUM_OAKUM_H
#define OAKUM_OAKUM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define OAKUM_PUBLIC __attribute__((visibility("default")))

#define OAKUM_VERSION_MAJOR 0
#define OAKUM_VERSION_MINOR 1
#define OAKUM_VERSION_PATCH 0
#define OAKUM_VERSION_STRING "0.1.0"

/*
 * True of every function here:
 *
 *   result   0 on success, a negative errno on failure
 *   err      never NULL; written on failure only
 *   fds      borrowed: keep them open until the call, or the job, has ended
 *   threads  any number of calls and jobs at once; one job belongs to one thread at a time
 *   cancel   pthread_cancel(3) waits for the end of a call
 *   host     no signal handler, SIGCHLD, umask, cwd or environment is touched;
 *            only our own children are waited for
 */

/* Where something went wrong. */
enum oakum_stage {
	OAKUM_STAGE_SETUP = 1,	/* before the first byte: options, processes, walls */
	OAKUM_STAGE_DECOMPRESS, /* reading or inflating the layer */
	OAKUM_STAGE_READ,	/* reading the tar stream */
	OAKUM_STAGE_POLICY,	/* an entry that may not be unpacked; a limit */
	OAKUM_STAGE_WRITE,	/* the rootfs would not take an entry */
	OAKUM_STAGE_REAP,	/* a process died, or time ran out */
	OAKUM_STAGE_PACK,    /* a rootfs that cannot be packed, or a layer that cannot be written */
	OAKUM_STAGE_COMPARE, /* the rootfs could not be read */
};

struct oakum_error {
	int32_t code;	  /* positive errno */
	uint32_t stage;	  /* enum oakum_stage */
	char op[32];	  /* what was tried: "openat2", "inflate" */
	char entry[2048]; /* path inside the layer, its tail if longer; untrusted bytes */
	char detail[256]; /* more, for people: why, and what to do about it */
	/* What became of the rest of the layer, where it came from a pipe or socket. */
	uint64_t drained_bytes; /* read and dropped, so that its writer could end */
	uint32_t source_left;	/* 1: its end was not seen */
	char reserved[244];	/* zero */
};

/* Zero is the default and the default is safe, in every field below. */

enum oakum_whiteouts {
	OAKUM_WHITEOUTS_APPLY = 0,	   /* carry them out: delete what they hide */
	OAKUM_WHITEOUTS_OVERLAY = 1,	   /* 0:0 devices and trusted.overlay.opaque */
	OAKUM_WHITEOUTS_OVERLAY_USERXATTR, /* 0:0 devices and user.overlay.opaque */
	OAKUM_WHITEOUTS_VERBATIM,	   /* ordinary files; what .wh. means is not known */
};

enum oakum_profile {
	OAKUM_PROFILE_STRICT = 0, /* refuse what two parsers could read differently */
	OAKUM_PROFILE_COMPAT,	  /* accept what today's Go readers accept */
};

enum oakum_trailing {
	OAKUM_TRAILING_IGNORE = 0, /* bytes after the end of the archive are read and dropped */
	OAKUM_TRAILING_REFUSE,	   /* only zeros may follow the end of the archive */
};

/* How a whiteout is written in the overlay modes. */
enum oakum_whiteout_form {
	OAKUM_WHITEOUT_FORM_DEVICE = 0, /* a character device 0:0 */
	OAKUM_WHITEOUT_FORM_XATTR, /* an empty file with overlay.whiteout: Linux 6.8 and later */
};

/* Whom entries belong to; bits. A layer's ids go through the maps in any case. */
enum oakum_owners {
	OAKUM_OWNERS_KEEP = 0,	       /* as the layer says; one that cannot be set is an error */
	OAKUM_OWNERS_SQUASH = 1 << 0,  /* all to squash_uid:squash_gid */
	OAKUM_OWNERS_FORGIVE = 1 << 1, /* one that cannot be set is counted in unset_owners; its
					  file loses its set-id bits */
};

/*
 * What another host said of a file: security.* but for file capabilities (SELinux,
 * IMA, AppArmor), and trusted.*. Those of overlayfs are never kept.
 */
enum oakum_labels {
	OAKUM_LABELS_DROP = 0, /* and counted in dropped_xattrs */
	OAKUM_LABELS_KEEP,     /* asks for CAP_SYS_ADMIN */
};

enum oakum_devices {
	OAKUM_DEVICES_MAKE = 0,
	OAKUM_DEVICES_SKIP, /* and counted in dropped_entries */
};

/* What oakum_list_start() writes; bits. */
enum oakum_listing {
	OAKUM_LISTING_TEXT = 0,	      /* a line an entry, as GNU tar -tv has it */
	OAKUM_LISTING_JSON = 1 << 0,  /* a JSON object a line */
	OAKUM_LISTING_CHECK = 1 << 1, /* only the entries that would be refused, and why */
};

/* Set-id bits and file capabilities. */
enum oakum_privileges {
	OAKUM_PRIVILEGES_KEEP = 0,
	OAKUM_PRIVILEGES_DROP,
};

/* What oakum_verify_start() tells, and how; bits. */
enum oakum_verifying {
	OAKUM_VERIFYING_PLAIN = 0,	/* a line a difference */
	OAKUM_VERIFYING_EXTRA = 1 << 0, /* also what is in the rootfs and not in the layer */
	OAKUM_VERIFYING_JSON = 1 << 1,	/* an object a line */
};

/* A namespace of its own gives a caller without root the rights that unpacking needs. */
enum oakum_user_namespace {
	OAKUM_USER_NAMESPACE_AUTO = 0, /* where the caller lacks the rights */
	OAKUM_USER_NAMESPACE_NEVER,
	OAKUM_USER_NAMESPACE_ALWAYS,
};

/*
 * After a failure the writer of a pipe or socket still wants to get rid of what it
 * has: xz(1) would die of SIGPIPE, or wait for ever where others hold the reading end.
 */
enum oakum_drain {
	OAKUM_DRAIN_BOUNDED = 0, /* the rest is read and dropped, up to max_drain_bytes and
				    drain_ms */
	OAKUM_DRAIN_NONE,
	OAKUM_DRAIN_FULL, /* to its end, however long that takes; ends at the deadline, and by
			     oakum_job_cancel() */
};

/* What is on the disk when the call returns. */
enum oakum_sync {
	OAKUM_SYNC_NONE = 0, /* what the kernel has written by then */
	OAKUM_SYNC_DATA,     /* the content of every file */
	OAKUM_SYNC_FULL,     /* every entry: the layer survives a power cut */
	OAKUM_SYNC_FS,	     /* the same by syncfs(2): all that anybody has written there */
};

/* What is reported in any case; what is expected is reported too. Bits. */
enum oakum_digests {
	OAKUM_DIGESTS_EXPECTED = 0,
	OAKUM_DIGESTS_LAYER = 1 << 0,
	OAKUM_DIGESTS_DIFF_ID = 1 << 1,
};

/*
 * Ids from container on are those from host on; count of them. An array ends with a count of 0.
 * In a user namespace of its own the maps are the namespace's; none then is: 0 is the caller,
 * and from 1 on are the ids that /etc/subuid and /etc/subgid give the caller.
 */
struct oakum_id_range {
	uint32_t container; /* as in the layer */
	uint32_t host;	    /* as in the rootfs */
	uint32_t count;
};

/* How strong the walls round the unpacker are (docs/ARCHITECTURE.md, "Levels"). */
enum oakum_level {
	OAKUM_LEVEL_DEFAULT = 0, /* as a minimum: OAKUM_LEVEL_CHROOT */
	OAKUM_LEVEL_OPENAT2 = 1, /* no root of its own: openat2, Landlock, seccomp; never unless
				    asked for as the minimum */
	OAKUM_LEVEL_CHROOT = 2,	 /* chroot, openat2, Landlock, seccomp */
	OAKUM_LEVEL_PIVOTED = 3, /* a mount namespace of its own, whose root it is; the rest as 4 */
	OAKUM_LEVEL_DETACHED = 4 /* a detached mount as root, Landlock, seccomp */
};

/* The single walls; a bit set in oakum_stats.walls means that it stood. */
enum oakum_wall {
	OAKUM_WALL_ROOT = 1 << 0,	  /* chroot */
	OAKUM_WALL_DETACHED = 1 << 1,	  /* ... into a detached mount: nosuid, nodev, noexec */
	OAKUM_WALL_CAPABILITIES = 1 << 2, /* six capabilities at most, no_new_privs */
	OAKUM_WALL_LANDLOCK = 1 << 3,
	OAKUM_WALL_SECCOMP = 1 << 4,
	OAKUM_WALL_PID_NAMESPACE = 1 << 5,   /* the kernel ends all of ours with the first */
	OAKUM_WALL_USER_NAMESPACE = 1 << 6,  /* of its own: no rights outside it */
	OAKUM_WALL_MOUNT_NAMESPACE = 1 << 7, /* of its own, with nothing but the root in it */
};

enum oakum_compression {
	OAKUM_COMPRESSION_NONE = 0,
	OAKUM_COMPRESSION_GZIP,
	OAKUM_COMPRESSION_ZSTD,
	OAKUM_COMPRESSION_XZ,
	OAKUM_COMPRESSION_BZIP2,
	OAKUM_COMPRESSION_LZ4,
};

/* What did the decompression: of gzip, the one that this library was built with. */
enum oakum_engine {
	OAKUM_ENGINE_NONE = 0, /* there was nothing to decompress */
	OAKUM_ENGINE_ZLIB,
	OAKUM_ENGINE_ISAL,
	OAKUM_ENGINE_LIBZSTD,
	OAKUM_ENGINE_LIBLZMA,
	OAKUM_ENGINE_LIBBZ2,
	OAKUM_ENGINE_LIBLZ4,
};

/*
 * Options. Grows at its end only; size tells the library which version the
 * caller was built with: a missing tail reads as zero, an unknown tail must be
 * zero (E2BIG otherwise). A limit of 0 is the default given beside it, one of
 * UINT64_MAX is none.
 */
struct oakum_unpack_options {
	size_t size;	    /* sizeof(struct oakum_unpack_options) */
	uint32_t whiteouts; /* enum oakum_whiteouts */
	uint32_t profile;   /* enum oakum_profile */
	uint32_t trailing;  /* enum oakum_trailing */
	uint32_t threads;   /* that fill files; 0 = chosen for the machine */
	uint32_t min_level; /* enum oakum_level; less is refused with EPERM */
	uint32_t reserved;
	uint64_t timeout_ms;	    /* for the whole call; 0 = none */
	const char *const *exclude; /* NULL, or a NULL-terminated list of paths: these and what lies
				       below are skipped */
	uint64_t max_content_bytes; /* written in all; 256 GiB */
	uint64_t max_logical_bytes; /* size of one file, holes included; 1 TiB */
	uint64_t max_entries;	    /* 20,000,000 */
	uint64_t max_path_depth;    /* components; 4096 */
	uint64_t max_name_bytes;    /* 64 KiB */
	uint64_t max_link_bytes;    /* of a symlink's target; 4095 */
	uint64_t max_pax_bytes;	    /* extended headers of one entry; 1 MiB */
	uint64_t max_sparse_entries;	/* regions of one sparse file; 65,536 */
	uint64_t max_xattr_bytes;	/* one value; 64 KiB */
	uint64_t max_entry_xattr_bytes; /* all of one entry; 1 MiB */
	uint64_t max_layer_xattr_bytes; /* all of the layer; 64 MiB */
	uint64_t max_ratio;	     /* tar bytes for one layer byte, past the first 1 GiB; 2000 */
	uint64_t max_window_bytes;   /* of a decoder; 128 MiB */
	uint64_t max_trailing_bytes; /* after the end of the archive; 64 MiB */
	uint64_t max_entry_xattrs;   /* attributes of one entry, and entries of its ACLs; 1024 */
	uint64_t min_free_bytes;     /* to leave on the file system of the rootfs; 0 */
	uint64_t min_free_inodes;    /* the same; where file systems count them; 0 */
	const struct oakum_id_range *uid_map; /* NULL: each id is itself; else the ids there are */
	const struct oakum_id_range *gid_map;
	uint32_t owners;     /* enum oakum_owners bits */
	uint32_t squash_uid; /* as in the layer: before the map */
	uint32_t squash_gid;
	uint32_t labels;	 /* enum oakum_labels */
	uint32_t devices;	 /* enum oakum_devices */
	uint32_t privileges;	 /* enum oakum_privileges */
	uint32_t whiteout_form;	 /* enum oakum_whiteout_form */
	uint32_t user_namespace; /* enum oakum_user_namespace */
	uint32_t drain;		 /* enum oakum_drain */
	/* enum oakum_sync */
	uint32_t sync;
	uint64_t max_drain_bytes; /* 256 MiB */
	uint64_t drain_ms;	  /* 1000 */
	uint32_t listing;	  /* enum oakum_listing bits; for oakum_list_start() alone */
	uint32_t verifying;	  /* enum oakum_verifying bits; for oakum_verify_start() alone */
	uint32_t digests;	  /* enum oakum_digests bits */
	uint32_t reserved_too;
	/*
	 * "sha256:" and 64 digits of 0-9 and a-f, or NULL. Anything else that is found at the end
	 * is -EBADMSG, and explains what else was found wrong with the layer.
	 */
	const char *expect_digest;  /* of the layer as it comes: every byte to its end */
	const char *expect_diff_id; /* of its tar stream: every byte to its end */
};

#define OAKUM_UNPACK_OPTIONS(...)              \
	(&(const struct oakum_unpack_options){ \
		.size = sizeof(struct oakum_unpack_options), __VA_ARGS__ })

/* Results. The caller sets size before the call; only what fits is written. */
struct oakum_stats {
	size_t size;		  /* sizeof(struct oakum_stats) */
	uint64_t layer_bytes;	  /* read from the caller */
	uint64_t stream_bytes;	  /* of tar, after decompression */
	uint64_t entries;	  /* read */
	uint64_t skipped;	  /* of these, by an exclude or as metadata of AUFS */
	uint64_t content_bytes;	  /* written into files, or compared with them */
	uint32_t compression;	  /* enum oakum_compression */
	uint32_t level;		  /* enum oakum_level that was reached */
	uint32_t walls;		  /* enum oakum_wall bits */
	uint32_t threads;	  /* that filled files */
	uint32_t denied_calls;	  /* system calls that a wall answered with ENOSYS */
	uint32_t denied_call;	  /* number of the first of them */
	uint64_t dropped_xattrs;  /* attributes of the layer that were not set, ACLs among them;
				     also user.*, where the file system has none */
	uint64_t dropped_entries; /* devices that were not made */
	uint64_t unset_owners;	  /* owners that could not be set, where that is forgiven */
	uint64_t trailing_bytes; /* after the end of the archive, from the first that is not zero */
	uint64_t volume_labels;	 /* headers that name a volume, and no entry: passed over */
	uint64_t refused;	 /* entries that OAKUM_LISTING_CHECK found fault with */
	uint64_t differences;	 /* that oakum_verify_start() has told */
	char digest[72];  /* of the layer, "sha256:..."; "" if neither expected nor asked for */
	char diff_id[72]; /* of the tar stream, the same */
	uint64_t engine;  /* enum oakum_engine that read the layer */
};

#define OAKUM_STATS_INIT                           \
	{                                          \
		.size = sizeof(struct oakum_stats) \
	}

/*
 * Unpacks a layer into a rootfs and waits for the result.
 *
 * layer_fd   borrowed; read from its current offset to its end; a pipe, file or socket
 * rootfs_fd  borrowed; a directory, opened with O_PATH or without
 * options    may be NULL: every default is the safe one
 * stats      may be NULL; written on success only
 * err        never NULL; written on failure only
 *
 * Returns 0, or
 *   -EINVAL      the options contradict themselves, or a descriptor is of no use
 *   -EBADMSG     the layer is damaged or hostile, or not the one that is expected
 *   -EFBIG       a limit was reached
 *   -ENOSPC, -EDQUOT, -EROFS, -EACCES   the rootfs would not take it
 *   -EPERM       the walls asked for cannot be had here, or an operation needs more rights
 *   -EOPNOTSUPP  the kernel or the file system cannot do it
 *   -ENOMEM, -ECANCELED
 *   -ETIMEDOUT   options->timeout_ms has passed
 *   -EPIPE       the source of the layer failed
 *   -E2BIG       the options are of a newer version and ask for something unknown
 *   -EBUSY       another unpack into the same directory is under way
 *   -EIO         anything else; err->detail has the original
 *
 * On failure what was written stays: the rootfs holds a part of the layer. From
 * a pipe or socket the rest is read and dropped, as options->drain says. A call that
 * fails before anything was started (the stage is OAKUM_STAGE_SETUP) may not have
 * touched the layer.
 *
 * Thread-safe. Blocks. Starts processes of its own and reaps exactly those; none
 * is alive when it returns.
 */
OAKUM_PUBLIC int oakum_unpack(int layer_fd, int rootfs_fd,
	const struct oakum_unpack_options *options, struct oakum_stats *stats,
	struct oakum_error *err);

/* An unpack that goes on while its caller does other things. */
struct oakum_job;

/*
 * Starts an unpack and returns while it runs. Arguments and errors are those of
 * oakum_unpack(); what options point to is not needed afterwards.
 *
 * job   written on success only; to be ended with oakum_job_wait()
 *
 * Takes a millisecond or two, up to ten seconds where newuidmap(1) has to be run.
 * Thread-safe.
 */
OAKUM_PUBLIC int oakum_unpack_start(int layer_fd, int rootfs_fd,
	const struct oakum_unpack_options *options, struct oakum_job **job,
	struct oakum_error *err);

/*
 * Starts to write the tar stream of a layer, whatever its compression, to a descriptor,
 * and returns while that runs. The layer is judged as for oakum_unpack_start(), to its
 * trailer, but not looked into.
 *
 * tar_fd   borrowed; a file, pipe or socket that can be written to
 * options  of these count max_window_bytes, max_ratio, timeout_ms, and those of draining and
 *          of digests
 * job      written on success only; to be ended with oakum_job_wait(). Of its statistics
 *          layer_bytes, stream_bytes, compression and the digests are set.
 *
 * Whoever writes to a pipe that nobody reads any more gets -EPIPE with the operation
 * "write", and no SIGPIPE. What was written before a failure is not taken back.
 */
OAKUM_PUBLIC int oakum_decompress_start(int layer_fd, int tar_fd,
	const struct oakum_unpack_options *options, struct oakum_job **job,
	struct oakum_error *err);

/* What a rootfs has that means "deleted", and what becomes of it in a layer. */
enum oakum_pack_whiteouts {
	OAKUM_PACK_WHITEOUTS_REFUSE = 0, /* nothing has: names with .wh. and devices 0:0 are errors
					  */
	OAKUM_PACK_WHITEOUTS_OVERLAY,	 /* an upper directory of overlayfs: its devices 0:0 and
					    trusted.overlay.opaque become whiteouts */
	OAKUM_PACK_WHITEOUTS_OVERLAY_USERXATTR, /* the same with user.overlay.opaque */
	OAKUM_PACK_WHITEOUTS_VERBATIM,		/* all is packed as it is */
};

enum oakum_submounts {
	OAKUM_SUBMOUNTS_LEAVE = 0, /* what is mounted below the rootfs is not packed; at level 2,
				      where one cannot look below it, it is an error */
	OAKUM_SUBMOUNTS_TAKE,
};

enum oakum_times {
	OAKUM_TIMES_KEEP = 0, /* in whole seconds, rounded down */
	OAKUM_TIMES_CLAMP,    /* those later than latest_mtime_s become it */
};

/* Grows, and is read, as struct oakum_unpack_options. */
struct oakum_pack_options {
	size_t size;			      /* sizeof(struct oakum_pack_options) */
	uint32_t compression;		      /* enum oakum_compression: none, gzip or zstd */
	uint32_t compression_level;	      /* gzip: 1 to 9; zstd: 1 to 19; 0 is 6 and 3 */
	uint32_t whiteouts;		      /* enum oakum_pack_whiteouts */
	uint32_t submounts;		      /* enum oakum_submounts */
	uint32_t times;			      /* enum oakum_times */
	uint32_t labels;		      /* enum oakum_labels */
	uint64_t latest_mtime_s;	      /* since 1970 */
	const char *const *exclude;	      /* as of unpacking */
	const struct oakum_id_range *uid_map; /* read from host to container; an owner that is in
						 no range is an error */
	const struct oakum_id_range *gid_map;
	uint32_t owners;     /* OAKUM_OWNERS_KEEP or _SQUASH */
	uint32_t squash_uid; /* as in the layer */
	uint32_t squash_gid;
	uint32_t min_level;	 /* enum oakum_level */
	uint32_t user_namespace; /* enum oakum_user_namespace */
	uint32_t reserved;
	uint64_t timeout_ms; /* 0 = none */
	/* What unpacking takes: as there, with the same defaults for 0 and UINT64_MAX for none. */
	uint64_t max_content_bytes; /* of files, in all, holes included */
	uint64_t max_logical_bytes; /* of one file, holes included */
	uint64_t max_entries;
	uint64_t max_name_bytes;
	uint64_t max_path_depth;
	uint64_t max_entry_xattrs;
	uint64_t max_xattr_bytes;
	uint64_t max_entry_xattr_bytes;
	uint64_t max_layer_xattr_bytes;
	uint64_t max_ratio; /* of what is compressed */
};

#define OAKUM_PACK_OPTIONS(...)              \
	(&(const struct oakum_pack_options){ \
		.size = sizeof(struct oakum_pack_options), __VA_ARGS__ })

/*
 * Starts to pack a rootfs into a layer, and returns while that runs. The same tree gives
 * the same bytes, whoever packs it and when: names come in the order of their bytes, and
 * nothing is in the layer but names, content, modes, owners, times of change, links,
 * devices and attributes.
 *
 * rootfs_fd  borrowed; a directory, opened with O_PATH or without; nothing in it is changed
 * tar_fd     borrowed; written to from its current offset; a file, pipe or socket
 * options    may be NULL: every default is the safe one
 * job        written on success only; to be ended with oakum_job_wait(). Of its statistics
 *            layer_bytes are those written to tar_fd, stream_bytes those of tar; entries
 *            and content_bytes are what is in the layer, skipped what an exclude left out,
 *            not counting what is below, and dropped_entries are sockets, which no layer
 *            can have.
 *
 * Errors are those of oakum_unpack(), and oakum_job_wait() fails with -EBUSY also when
 * the tree changes while it is read; err->entry names where. Files and directories are
 * compared by inode, size and the times of their changes, and so not seen are writes through
 * a mapping whose pages were written to before, for which the kernel moves no time, and two
 * changes within a tick of its clock. What was written before a failure is not taken back,
 * and is never a whole layer. Who writes to a pipe that nobody reads any more gets -EPIPE
 * with the operation "write", and no SIGPIPE.
 */
OAKUM_PUBLIC int oakum_pack_start(int rootfs_fd, int tar_fd,
	const struct oakum_pack_options *options, struct oakum_job **job, struct oakum_error *err);

/*
 * Starts to write what is in a layer to a descriptor, a line an entry, and returns while
 * that runs. The layer is judged as for oakum_unpack_start() under the same options, to
 * its trailer, but nothing is unpacked and no rights are needed. Lines are of what
 * would be unpacked: owners, modes and attributes as they would be set, names as the layer
 * spells them, and no line for what would be left out. liboakum(3) has their form.
 *
 * text_fd  borrowed; a file, pipe or socket that can be written to
 * options  those of oakum_unpack_start(), and listing
 * job      written on success only; to be ended with oakum_job_wait(). Of its statistics
 *          content_bytes are those of all files, and refused is set.
 *
 * An entry that would be refused ends the job as it would end an unpack, with the same
 * error; with OAKUM_LISTING_CHECK it is a line and counted in refused, and the job goes
 * on where the layer can be read on. Where it cannot, the job fails with that error, which
 * then is one more. For who no longer reads what is written see oakum_decompress_start().
 */
OAKUM_PUBLIC int oakum_list_start(int layer_fd, int text_fd,
	const struct oakum_unpack_options *options, struct oakum_job **job,
	struct oakum_error *err);

/*
 * Starts to compare a rootfs with what an unpack of the layer with the same options would
 * have left there, writes what differs to a descriptor, and returns while that runs.
 * Nothing in the rootfs is changed: not even when it was read last, where the level is
 * OAKUM_LEVEL_DETACHED.
 *
 * rootfs_fd  borrowed; a directory, opened with O_PATH or without
 * text_fd    borrowed; a file, pipe or socket that can be written to: a line for each
 *            difference, as oakum(1) has it, once the layer is at its end
 * options    those of the unpack; and verifying
 * job        written on success only; to be ended with oakum_job_wait(). Of its statistics
 *            differences is how many there were: with 0 all that the layer names is there
 *            as it says, and with OAKUM_VERIFYING_EXTRA there is nothing else.
 *
 * Directories that no entry names, and that an unpack makes all the same, must not be symlinks
 * that the layer did not bring; their owner, mode, time and attributes are not compared, but
 * for the marks that overlayfs reads where options->whiteouts are its own.
 *
 * Of two entries of one name the last counts. More than 32 MiB of differences are -EFBIG,
 * and those that were found until then are written. A rootfs that changes meanwhile has
 * differences, or is -EIO.
 */
OAKUM_PUBLIC int oakum_verify_start(int layer_fd, int rootfs_fd, int text_fd,
	const struct oakum_unpack_options *options, struct oakum_job **job,
	struct oakum_error *err);

/*
 * A descriptor for poll(2) or epoll(7), borrowed from the job: readable once the job
 * has ended, or half a second after its deadline, and from then on oakum_job_wait() has
 * no more to wait for than deaths and the draining of the source. Take it out of an
 * epoll set before oakum_job_wait() closes it.
 */
OAKUM_PUBLIC int oakum_job_pollfd(const struct oakum_job *job);

/* How far a job is. The caller sets size before the call; only what fits is written. */
struct oakum_progress {
	size_t size;		    /* sizeof(struct oakum_progress) */
	uint64_t layer_bytes;	    /* read so far */
	uint64_t layer_total_bytes; /* of how many; 0 if the layer is no regular file */
	uint64_t stream_bytes;	    /* of tar, after decompression */
	uint64_t entries;
	uint64_t content_bytes; /* written into files */
	uint64_t elapsed_ms;	/* since the start */
};

#define OAKUM_PROGRESS_INIT                           \
	{                                             \
		.size = sizeof(struct oakum_progress) \
	}

/*
 * Reads how far a job is: numbers that the confined processes keep, to be shown and
 * not to be relied on. From any thread, under the rules of oakum_job_cancel(). Returns
 * 0, -EINVAL if progress->size is too small, or -ECANCELED if the job is just being freed.
 */
OAKUM_PUBLIC int oakum_job_progress(struct oakum_job *job, struct oakum_progress *progress);

/*
 * Ends a job at once: oakum_job_wait(), which is still needed, then fails with
 * -ECANCELED, unless the job had its result already. From any thread, also while
 * another one is in oakum_job_wait(), but never once that may have returned. Who cannot
 * know polls first (oakum_job_pollfd()), and then waits under the lock that others cancel
 * under. May be called in a handler of signals.
 */
OAKUM_PUBLIC void oakum_job_cancel(struct oakum_job *job);

/*
 * Waits for the end of a job, frees it and sets *job to NULL, whatever the result,
 * which is that of oakum_unpack(), or -ECANCELED. Of NULL the result is -EINVAL.
 * Blocks until the job has ended and its source is drained.
 */
OAKUM_PUBLIC int oakum_job_wait(
	struct oakum_job **job, struct oakum_stats *stats, struct oakum_error *err);

/*
 * All or nothing: a rootfs that is filled beside its target and takes the target's place when
 * all went well. Until then, and after any failure, the target is as it was.
 *
 *	oakum_atomic_begin(parent_fd, "rootfs", options, &atomic, &err);
 *	r = oakum_unpack(layer_fd, oakum_atomic_rootfs_fd(atomic), options, NULL, &err);
 *	r = r == 0 ? oakum_atomic_commit(&atomic, &err) : (oakum_atomic_abort(&atomic, &of_abort),
 *r);
 */
struct oakum_atomic;

/*
 * Makes a private directory ".oakum-NAME" in the directory parent_fd, and in it the rootfs,
 * with mode 0755 or with mode and owner of the empty directory NAME that it will replace. What
 * an interrupted run has left there is removed first.
 *
 * parent_fd  borrowed for the call; opened with O_PATH or without
 * name       one component; nothing has that name, or an empty directory
 * options    those of the unpack, or NULL; what they point to is needed until it ends
 * atomic     written on success only; to be ended with oakum_atomic_commit() or _abort()
 *
 * Returns 0, -EINVAL for a name that cannot be, -ENOTEMPTY or -ENOTDIR for a target that is
 * not replaced, -EBUSY if it is a mount or another unpack has it, -E2BIG, -ENOMEM, that of
 * oakum_unpack() if a leftover cannot be removed, or what the file system says.
 */
OAKUM_PUBLIC int oakum_atomic_begin(int parent_fd, const char *name,
	const struct oakum_unpack_options *options, struct oakum_atomic **atomic,
	struct oakum_error *err);

/* The rootfs to be filled, by any number of unpacks; borrowed from it. */
OAKUM_PUBLIC int oakum_atomic_rootfs_fd(const struct oakum_atomic *atomic);

/*
 * Has the rootfs take the place of the target, frees what was begun and sets *atomic to NULL,
 * whatever the result. With any options->sync but OAKUM_SYNC_NONE its name is on the disk
 * when the call returns. On failure the target is as it was, and what was unpacked is removed; but
 * if only that last writing fails (err->op is "fsync parent of target", or "chmod target") it is in
 * its place.
 */
OAKUM_PUBLIC int oakum_atomic_commit(struct oakum_atomic **atomic, struct oakum_error *err);

/*
 * Removes what was unpacked, which a confined process does, frees what was begun and sets *atomic
 * to NULL, whatever the result. Of NULL the result is 0. On failure something is left beside
 * the target, for the next oakum_atomic_begin() to remove.
 */
OAKUM_PUBLIC int oakum_atomic_abort(struct oakum_atomic **atomic, struct oakum_error *err);

/*
 * For a host that reaps children it does not know: PID 1, a subreaper. Nothing here is
 * needed for right results: success and failure never hang on an exit status. But a
 * host that delegates knows its own orphans from the processes of this library, and
 * errors can say how one of those died on kernels before 6.15. All functions are
 * thread-safe, go on working in the child of a fork(2), and may be called in a handler
 * of SIGCHLD (liboakum(3), "REAPERS").
 */

/* A child that ended and was none of ours; wait_status as of waitpid(2). */
typedef void oakum_orphan_fn(pid_t pid, int wait_status, void *user);

/*
 * In place of a loop of waitpid(-1, &status, WNOHANG): collects every child that has
 * ended, hands the status of ours to the call or job that waits for it, and each other to
 * orphan (NULL: nobody wants it). Never blocks. Returns how many orphans there were.
 */
OAKUM_PUBLIC int oakum_reaper_reap(oakum_orphan_fn *orphan, void *user);

/*
 * For a host that keeps its own loop: what waitpid(2) has just said. Returns 1 if the child was
 * ours and the host should forget it, else 0. Between oakum_reaper_lock() and
 * oakum_reaper_unlock() together with its waitpid(2), so that no pid can be used again meanwhile.
 */
OAKUM_PUBLIC int oakum_reaper_deliver(pid_t pid, int wait_status);

/*
 * Keeps the library from starting and collecting processes; may be nested. Signals
 * are blocked in the thread that holds it. For a moment, and for nothing that waits.
 */
OAKUM_PUBLIC void oakum_reaper_lock(void);
OAKUM_PUBLIC void oakum_reaper_unlock(void);

/* A host's own lock between whoever starts children and its reaper. */
struct oakum_lock_ops {
	void (*acquire)(void *user); /* shared: several processes of ours run at once */
	void (*release)(void *user);
};

/*
 * Has a process of ours started and collected under a lock of the host's: acquired
 * before the start, by the thread that starts it, and released when it was collected, by the
 * thread that waits. A thread that starts several jobs acquires it several times, also while a
 * reaper waits for it: a lock that forbids that (writers first) is for oakum_unpack() alone. ops is
 * copied; NULL: no more. Holds for what is started afterwards.
 */
OAKUM_PUBLIC void oakum_reaper_set_lock(const struct oakum_lock_ops *ops, void *user);

/* The library's version, "0.1.0"; static storage. */
OAKUM_PUBLIC const char *oakum_version(void);

/*
 * What this build is made of, for people and bug reports: lines "name: value", each ended by
 * a newline; where the helper is and how it is linked, codecs and tar reader with their versions.
 * Static storage.
 */
OAKUM_PUBLIC const char *oakum_features(void);

/*
 * Writes err as one line without a newline, "stage: entry: operation: reason
 * (hint)", control characters and bytes outside ASCII escaped, into buffer,
 * which has buffer_bytes bytes; cut and terminated like snprintf(3). Returns
 * the length that the whole line has.
 */
OAKUM_PUBLIC size_t oakum_error_format(
	const struct oakum_error *err, char *buffer, size_t buffer_bytes);

/* "gzip", "zstd", ...; static storage; "unknown" for any other value. */
OAKUM_PUBLIC const char *oakum_compression_name(uint32_t compression);

/* The name of an enum oakum_engine, as "ISA-L"; "unknown" for any other value. Never freed. */
OAKUM_PUBLIC const char *oakum_engine_name(uint64_t engine);

/*
 * Closes the descriptor (>= 64, close-on-exec) in which the library keeps its
 * helper program between calls. The next call opens it again. Thread-safe.
 */
OAKUM_PUBLIC void oakum_trim(void);

#ifdef __cplusplus
}
#endif

#endif
