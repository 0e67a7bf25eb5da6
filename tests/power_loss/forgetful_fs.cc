// forgetful_fs MOUNTPOINT SOCKET
//
// A file system in memory whose power can be cut (see forgetful_tree.h), for tests that need a real
// mount. Serves until it is unmounted or gets SIGTERM. One command a line on the unix SOCKET:
//   power_off SEED      forget what was not synced (0: all of it; else a part, as the seed says)
//   sync_error ERRNO    let every fsync fail (0: no more)
//   write_error ERRNO   let every change fail, e.g. 28 (disk full) or 30 (read-only)
//   counts              "syncs failed_syncs forgotten_names forgotten_pages"
// Each is answered by one line.
#define FUSE_USE_VERSION 34
#include <fuse_lowlevel.h>
#include <linux/fs.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <sstream>
#include <thread>
#include <unordered_map>

#include "forgetful_tree.h"

namespace beringia::forgetful {
namespace {

/// The tree and the numbers that the kernel knows, under one lock.
struct FileSystem {
  std::mutex mutex;
  ForgetfulTree tree;
  struct Known {
    NodeRef node;
    uint64_t lookups = 0;
  };
  std::unordered_map<fuse_ino_t, Known> known;

  NodeRef node(fuse_ino_t number) {
    if (number == FUSE_ROOT_ID) return tree.root();
    const auto found = known.find(number);
    return found == known.end() ? nullptr : found->second.node;
  }
  void forget(fuse_ino_t number, uint64_t count) {
    const auto found = known.find(number);
    if (found == known.end()) return;
    found->second.lookups -= std::min(count, found->second.lookups);
    if (found->second.lookups == 0) known.erase(found);
  }
};

FileSystem& file_system(fuse_req_t request) {
  return *static_cast<FileSystem*>(fuse_req_userdata(request));
}

struct stat stat_of(const Node& node) {
  struct stat out{};
  out.st_ino = node.number;
  out.st_mode = node.attributes.mode;
  out.st_nlink = node.links;
  out.st_uid = node.attributes.uid;
  out.st_gid = node.attributes.gid;
  out.st_size = static_cast<off_t>(node.content.size);
  out.st_blksize = kPageBytes;
  out.st_blocks = static_cast<blkcnt_t>(node.content.pages.size() * (kPageBytes / 512));
  out.st_atim = node.attributes.accessed;
  out.st_mtim = node.attributes.modified;
  out.st_ctim = node.attributes.changed;
  return out;
}

/// Counts one more look-up of the kernel. Nothing is believed for a while: timeouts are 0, so that
/// after a power loss the kernel asks again.
fuse_entry_param entry_of(FileSystem& system, const NodeRef& node) {
  fuse_entry_param entry{};
  entry.ino = node->number;
  entry.attr = stat_of(*node);
  auto& known = system.known[node->number];
  known.node = node;
  ++known.lookups;
  return entry;
}

void answer_entry(fuse_req_t request, FileSystem& system, int failed, const NodeRef& node) {
  if (failed != 0) {
    fuse_reply_err(request, failed);
    return;
  }
  const auto entry = entry_of(system, node);
  fuse_reply_entry(request, &entry);
}

void on_lookup(fuse_req_t request, fuse_ino_t parent, const char* name) {
  FileSystem& system = file_system(request);
  std::lock_guard lock{system.mutex};
  const NodeRef directory = system.node(parent);
  const NodeRef node = directory ? system.tree.find(*directory, name) : nullptr;
  answer_entry(request, system, node ? 0 : ENOENT, node);
}

void on_forget(fuse_req_t request, fuse_ino_t number, uint64_t count) {
  FileSystem& system = file_system(request);
  {
    std::lock_guard lock{system.mutex};
    system.forget(number, count);
  }
  fuse_reply_none(request);
}

/// Runs `act` on the node of `number`, and answers with what it returns if that is an error.
template <class Act>
void with_node(fuse_req_t request, fuse_ino_t number, const Act& act) {
  FileSystem& system = file_system(request);
  std::lock_guard lock{system.mutex};
  const NodeRef node = system.node(number);
  if (!node) {
    fuse_reply_err(request, ESTALE);
    return;
  }
  act(system, node);
}

void on_getattr(fuse_req_t request, fuse_ino_t number, fuse_file_info*) {
  with_node(request, number, [&](FileSystem&, const NodeRef& node) {
    const struct stat found = stat_of(*node);
    fuse_reply_attr(request, &found, 0);
  });
}

int set_attributes(ForgetfulTree& tree, Node& node, const struct stat& wanted, int which) {
  if (tree.faults.write_error == EROFS) return EROFS;
  if ((which & FUSE_SET_ATTR_SIZE) != 0) {
    const int failed = tree.truncate(node, static_cast<uint64_t>(wanted.st_size));
    if (failed != 0) return failed;
  }
  Attributes& own = node.attributes;
  if ((which & FUSE_SET_ATTR_MODE) != 0) {
    own.mode = (own.mode & static_cast<mode_t>(S_IFMT)) | (wanted.st_mode & 07777);
  }
  if ((which & FUSE_SET_ATTR_UID) != 0) own.uid = wanted.st_uid;
  if ((which & FUSE_SET_ATTR_GID) != 0) own.gid = wanted.st_gid;
  if ((which & FUSE_SET_ATTR_ATIME) != 0) own.accessed = wanted.st_atim;
  if ((which & FUSE_SET_ATTR_MTIME) != 0) own.modified = wanted.st_mtim;
  if ((which & FUSE_SET_ATTR_ATIME_NOW) != 0) own.accessed = wall_clock();
  if ((which & FUSE_SET_ATTR_MTIME_NOW) != 0) own.modified = wall_clock();
  own.changed = wall_clock();
  return 0;
}

void on_setattr(fuse_req_t request, fuse_ino_t number, struct stat* wanted, int which,
                fuse_file_info*) {
  with_node(request, number, [&](FileSystem& system, const NodeRef& node) {
    const int failed = set_attributes(system.tree, *node, *wanted, which);
    const struct stat now = stat_of(*node);
    failed != 0 ? fuse_reply_err(request, failed) : fuse_reply_attr(request, &now, 0);
  });
}

void on_mkdir(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode) {
  with_node(request, parent, [&](FileSystem& system, const NodeRef& directory) {
    NodeRef made;
    const int failed = system.tree.make(directory, name, S_IFDIR | mode, made);
    answer_entry(request, system, failed, made);
  });
}

void on_create(fuse_req_t request, fuse_ino_t parent, const char* name, mode_t mode,
               fuse_file_info* file) {
  with_node(request, parent, [&](FileSystem& system, const NodeRef& directory) {
    NodeRef made;
    const int failed = system.tree.make(directory, name, S_IFREG | mode, made);
    if (failed != 0) {
      fuse_reply_err(request, failed);
      return;
    }
    const auto entry = entry_of(system, made);
    fuse_reply_create(request, &entry, file);
  });
}

void on_unlink(fuse_req_t request, fuse_ino_t parent, const char* name) {
  with_node(request, parent, [&](FileSystem& system, const NodeRef& directory) {
    fuse_reply_err(request, system.tree.remove(directory, name, false));
  });
}

void on_rmdir(fuse_req_t request, fuse_ino_t parent, const char* name) {
  with_node(request, parent, [&](FileSystem& system, const NodeRef& directory) {
    fuse_reply_err(request, system.tree.remove(directory, name, true));
  });
}

void on_rename(fuse_req_t request, fuse_ino_t parent, const char* name, fuse_ino_t new_parent,
               const char* new_name, unsigned int flags) {
  with_node(request, parent, [&](FileSystem& system, const NodeRef& from) {
    const NodeRef to = system.node(new_parent);
    const bool known = (flags & ~static_cast<unsigned>(RENAME_NOREPLACE)) == 0;
    const int failed =
        !to     ? ESTALE
        : known ? system.tree.rename(from, name, to, new_name, (flags & RENAME_NOREPLACE) != 0)
                : EINVAL;
    fuse_reply_err(request, failed);
  });
}

void on_link(fuse_req_t request, fuse_ino_t number, fuse_ino_t new_parent, const char* name) {
  with_node(request, number, [&](FileSystem& system, const NodeRef& node) {
    const NodeRef directory = system.node(new_parent);
    const int failed = directory ? system.tree.link(node, directory, name) : ESTALE;
    answer_entry(request, system, failed, node);
  });
}

void on_open(fuse_req_t request, fuse_ino_t number, fuse_file_info* file) {
  with_node(request, number, [&](FileSystem& system, const NodeRef& node) {
    const bool truncates = (file->flags & O_TRUNC) != 0;
    const int failed = truncates ? system.tree.truncate(*node, 0) : 0;
    failed != 0 ? fuse_reply_err(request, failed) : fuse_reply_open(request, file);
  });
}

void on_read(fuse_req_t request, fuse_ino_t number, size_t size, off_t offset, fuse_file_info*) {
  with_node(request, number, [&](FileSystem& system, const NodeRef& node) {
    const std::string bytes = system.tree.read(*node, static_cast<uint64_t>(offset), size);
    fuse_reply_buf(request, bytes.data(), bytes.size());
  });
}

void on_write(fuse_req_t request, fuse_ino_t number, const char* bytes, size_t size, off_t offset,
              fuse_file_info*) {
  with_node(request, number, [&](FileSystem& system, const NodeRef& node) {
    const int failed = system.tree.write(*node, static_cast<uint64_t>(offset), {bytes, size});
    failed != 0 ? fuse_reply_err(request, failed) : fuse_reply_write(request, size);
  });
}

void on_fsync(fuse_req_t request, fuse_ino_t number, int data_only, fuse_file_info*) {
  with_node(request, number, [&](FileSystem& system, const NodeRef& node) {
    fuse_reply_err(request, system.tree.sync_file(*node, data_only != 0));
  });
}

void on_fsyncdir(fuse_req_t request, fuse_ino_t number, int, fuse_file_info*) {
  with_node(request, number, [&](FileSystem& system, const NodeRef& node) {
    fuse_reply_err(request, system.tree.sync_directory(node));
  });
}

/// The names as they are when the directory is opened.
using Listing = std::vector<std::pair<std::string, struct stat>>;

void on_opendir(fuse_req_t request, fuse_ino_t number, fuse_file_info* file) {
  with_node(request, number, [&](FileSystem&, const NodeRef& node) {
    auto listing = std::make_unique<Listing>();
    listing->emplace_back(".", stat_of(*node));
    listing->emplace_back("..", stat_of(*node));
    for (const auto& [name, child] : node->names) listing->emplace_back(name, stat_of(*child));
    file->fh = reinterpret_cast<uint64_t>(listing.release());
    fuse_reply_open(request, file);
  });
}

void on_readdir(fuse_req_t request, fuse_ino_t, size_t size, off_t offset, fuse_file_info* file) {
  const auto& listing = *reinterpret_cast<const Listing*>(file->fh);
  std::string out(size, '\0');
  size_t used = 0;
  for (auto i = static_cast<size_t>(offset); i < listing.size(); ++i) {
    const auto& [name, status] = listing[i];
    const size_t need = fuse_add_direntry(request, out.data() + used, size - used, name.c_str(),
                                          &status, static_cast<off_t>(i + 1));
    if (need > size - used) break;
    used += need;
  }
  fuse_reply_buf(request, out.data(), used);
}

void on_releasedir(fuse_req_t request, fuse_ino_t, fuse_file_info* file) {
  std::unique_ptr<Listing>{reinterpret_cast<Listing*>(file->fh)}.reset();
  fuse_reply_err(request, 0);
}

void on_setxattr(fuse_req_t request, fuse_ino_t number, const char* name, const char* value,
                 size_t size, int flags) {
  with_node(request, number, [&](FileSystem& system, const NodeRef& node) {
    fuse_reply_err(request, system.tree.set_extended(*node, name, {value, size}, flags));
  });
}

/// xattr calls ask with size 0 how much room they need.
void answer_sized(fuse_req_t request, const std::string& bytes, size_t size) {
  if (size == 0) {
    fuse_reply_xattr(request, bytes.size());
  } else if (bytes.size() > size) {
    fuse_reply_err(request, ERANGE);
  } else {
    fuse_reply_buf(request, bytes.data(), bytes.size());
  }
}

void on_getxattr(fuse_req_t request, fuse_ino_t number, const char* name, size_t size) {
  with_node(request, number, [&](FileSystem&, const NodeRef& node) {
    const auto found = node->attributes.extended.find(name);
    if (found == node->attributes.extended.end()) {
      fuse_reply_err(request, ENODATA);
    } else {
      answer_sized(request, found->second, size);
    }
  });
}

void on_listxattr(fuse_req_t request, fuse_ino_t number, size_t size) {
  with_node(request, number, [&](FileSystem&, const NodeRef& node) {
    std::string names;
    for (const auto& [name, value] : node->attributes.extended) names += name + '\0';
    answer_sized(request, names, size);
  });
}

void on_removexattr(fuse_req_t request, fuse_ino_t number, const char* name) {
  with_node(request, number, [&](FileSystem& system, const NodeRef& node) {
    fuse_reply_err(request, system.tree.remove_extended(*node, name));
  });
}

void on_statfs(fuse_req_t request, fuse_ino_t) {
  struct statvfs out{};
  out.f_bsize = out.f_frsize = kPageBytes;
  out.f_blocks = out.f_bfree = out.f_bavail = uint64_t{1} << 24;
  out.f_files = out.f_ffree = uint64_t{1} << 24;
  out.f_namemax = 255;
  fuse_reply_statfs(request, &out);
}

fuse_lowlevel_ops operations() {
  fuse_lowlevel_ops ops{};
  ops.lookup = on_lookup;
  ops.forget = on_forget;
  ops.getattr = on_getattr;
  ops.setattr = on_setattr;
  ops.mkdir = on_mkdir;
  ops.create = on_create;
  ops.unlink = on_unlink;
  ops.rmdir = on_rmdir;
  ops.rename = on_rename;
  ops.link = on_link;
  ops.open = on_open;
  ops.read = on_read;
  ops.write = on_write;
  ops.fsync = on_fsync;
  ops.fsyncdir = on_fsyncdir;
  ops.opendir = on_opendir;
  ops.readdir = on_readdir;
  ops.releasedir = on_releasedir;
  ops.setxattr = on_setxattr;
  ops.getxattr = on_getxattr;
  ops.listxattr = on_listxattr;
  ops.removexattr = on_removexattr;
  ops.statfs = on_statfs;
  return ops;
}

std::string obey(FileSystem& system, const std::string& line) {
  std::istringstream words{line};
  std::string verb;
  uint64_t number = 0;
  words >> verb >> number;
  std::lock_guard lock{system.mutex};
  if (verb == "power_off") {
    system.tree.power_off(number);
  } else if (verb == "sync_error") {
    system.tree.faults.sync_error = static_cast<int>(number);
  } else if (verb == "write_error") {
    system.tree.faults.write_error = static_cast<int>(number);
  } else if (verb != "counts") {
    return "unknown command\n";
  }
  const auto& counts = system.tree.counts();
  std::ostringstream answer;
  answer << counts.syncs << ' ' << counts.failed_syncs << ' ' << counts.forgotten_names << ' '
         << counts.forgotten_pages << '\n';
  return answer.str();
}

/// Obeys one caller after the other, one line each, until the process ends.
void listen_for_commands(FileSystem& system, int listener) {
  for (;;) {
    const int caller = ::accept(listener, nullptr, nullptr);
    if (caller < 0) return;
    char line[128]{};
    const ssize_t n = ::read(caller, line, sizeof line - 1);
    const std::string answer = n > 0 ? obey(system, {line, static_cast<size_t>(n)}) : "";
    if (::write(caller, answer.data(), answer.size()) < 0) std::perror("answering");
    ::close(caller);
  }
}

int open_control(const char* path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (std::strlen(path) >= sizeof address.sun_path) return -1;
  std::strcpy(address.sun_path, path);
  const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return -1;
  return ::listen(listener, 8) == 0 ? listener : -1;
}

int serve(char* program, const char* mount_point, const char* control_path) {
  FileSystem system;
  char options[] = "-ofsname=forgetful";
  char* arguments[] = {program, options, nullptr};
  fuse_args args = FUSE_ARGS_INIT(2, arguments);
  const fuse_lowlevel_ops ops = operations();
  fuse_session* session = fuse_session_new(&args, &ops, sizeof ops, &system);
  if (session == nullptr || fuse_set_signal_handlers(session) != 0) return 1;
  if (fuse_session_mount(session, mount_point) != 0) return 1;
  const int listener = open_control(control_path);
  int status = 1;
  if (listener >= 0) {
    std::thread commands{listen_for_commands, std::ref(system), listener};
    fuse_loop_config config{};
    config.max_idle_threads = 4;
    status = fuse_session_loop_mt(session, &config);
    ::shutdown(listener, SHUT_RDWR);
    commands.join();
  } else {
    std::perror(control_path);
  }
  fuse_session_unmount(session);
  fuse_remove_signal_handlers(session);
  fuse_session_destroy(session);
  return status;
}

}  // namespace
}  // namespace beringia::forgetful

int main(int count, char** arguments) {
  if (count != 3) {
    std::fprintf(stderr, "usage: %s MOUNTPOINT SOCKET\n", arguments[0]);
    return 2;
  }
  return beringia::forgetful::serve(arguments[0], arguments[1], arguments[2]);
}
