// Files of one folder, as HTTP shows them.
//
// Nothing outside the folder is ever opened for a client: no "..", no symbolic link that leads out.
// Names that begin with a dot are not there, but for `.well-known`. Folders are shown by their
// index.html, never listed.
//
// Opening a file may wait for the disk: meant for files that the page cache holds. A const
// StaticFiles may be used from any thread.
#pragma once

#include "base/result.h"
#include "socket/file_descriptor.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace troupe::socket {

struct StaticFile {
  FileDescriptor descriptor;
  std::uint64_t size = 0;
  std::string content_type;
  std::string etag;           // strong: of inode, size and time of the last change in nanoseconds
  std::string last_modified;  // as the header wants it
};

// The path is a folder's, without the '/' at its end that links relative to it need.
struct FolderWithoutSlash {};
struct NoSuchFile {};

class StaticFiles {
 public:
  // An error when the root is no folder, or cannot be read.
  static Result<StaticFiles> create(const std::filesystem::path& root);

  // `path` as wire::parse_target() gives it.
  std::variant<StaticFile, FolderWithoutSlash, NoSuchFile> open(std::string_view path) const;

 private:
  StaticFiles(FileDescriptor root, std::string real_root)
      : root_(std::move(root)), real_root_(std::move(real_root)) {}

  bool contains(const FileDescriptor& file) const;

  FileDescriptor root_;
  std::string real_root_;  // without symbolic links; ends in '/'
};

// Reads up to `size` bytes from `offset` on, fewer at the end of the file; nothing when reading
// fails.
std::optional<std::string> read_piece(const FileDescriptor& file,
                                      std::uint64_t offset,
                                      std::size_t size);

}  // namespace troupe::socket
