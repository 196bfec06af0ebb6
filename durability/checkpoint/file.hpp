#pragma once

// Checkpoint files: a program's state as of one log entry, written whole and read whole.
//
// A checkpoint replaces its predecessor in one step (temporary, sync, rename; the durable form then syncs
// the directory: see directory.hpp), so that a crash at any moment leaves the old one or the new one, never
// a mixture. The same state gives the same bytes, as far as the codec does (postcard does).
//
// Which id it carries. last_applied says: this state contains the entries up to here and none after, so
// replay goes on at the next one. If a power cut then takes that entry from the log, while the checkpoint
// survives, the two no longer fit, and recovery refuses. The durable forms therefore take a DurableId, which
// only a finished sync yields. The plain forms take any id, for directories without stable storage and for
// copies that no log is truncated by; there it is the caller who sees to it.
//
// Reading a checkpoint yields an EntryId, not a DurableId: its bytes do not tell whether they were written
// durably, and a log truncated because of a checkpoint that is only in the page cache is lost with it.
// make_durable() is the way from one to the other: it syncs the file and its name before it reads.

#include <memory>
#include <utility>

#include "durability/checkpoint/format.hpp"
#include "durability/codec/codec.hpp"
#include "durability/codec/postcard.hpp"
#include "durability/storage/directory.hpp"

namespace durability {

/// A checkpoint as it was read: sound, undecoded.
struct CheckpointBytes {
  EntryId last_applied;  ///< replay the entries after it
  std::uint32_t version = checkpoint::kVersion;
  Bytes payload;
};

/// A checkpoint read as a type.
template <class T>
struct Checkpoint {
  EntryId last_applied;
  std::uint32_t version = checkpoint::kVersion;
  T state;
};

/// The checkpoints of one directory. Copyable; no state but the directory. Thread safety: that of the
/// directory; of two writes of the same path at the same time one wins.
///
/// Without a directory (a null pointer) every call is `invalid_config`.
///
/// Paths are relative to the directory and checked by it (`invalid_config`), so one that was read from a
/// log, untrusted, can do no harm outside; nor inside: nothing is written in `wal/` (`invalid_config`).
class CheckpointFile {
 public:
  explicit CheckpointFile(std::shared_ptr<Directory> directory) : directory_(std::move(directory)) {}

  /// Replaces the checkpoint at `path`. After a process crash or a power loss: the old one or the new one,
  /// whole; which of the two, after a power loss, only write_bytes_durable makes certain. At most 256 MiB,
  /// else `encode`. After an error the old one is untouched.
  Status write_bytes(std::string_view path, EntryId last_applied, ByteView payload) const;
  /// Once it returns, the new checkpoint survives a power loss. After an error: the old one or the new one,
  /// whole. Nothing was written: `not_supported`: no stable storage; `invalid_config`: an id of a log (a WAL
  /// or a record log) in another directory.
  Status write_bytes_durable(std::string_view path, DurableId last_applied, ByteView payload) const;

  /// Errors: `not_found`; `truncated`, `format`, `crc_mismatch`: damaged, or no checkpoint; `io`. A length
  /// that the file does not hold is refused before anything is allocated for it.
  Result<CheckpointBytes> read_bytes(std::string_view path) const;

  /// The header alone, in 28 bytes: which id the checkpoint says that it carries. The checksum is not looked
  /// at, so a damaged one may say any. Errors as read_bytes() but `crc_mismatch`.
  Result<checkpoint::Header> read_header(std::string_view path) const;

  /// Makes the checkpoint at `path` survive a power loss, whoever wrote it, and reads it. The id is for
  /// truncating a log that this checkpoint covers. Errors as read_bytes(), and `not_supported`.
  Result<DurableId> make_durable(std::string_view path) const;

  /// write_bytes() of an encoded value. `encode`: it cannot be encoded; nothing was written.
  template <class T, class Codec = Postcard>
    requires EncoderFor<Codec, T>
  Status write(std::string_view path, EntryId last_applied, const T& state) const {
    DURABILITY_TRY_ASSIGN(const Bytes file, (file_of<T, Codec>(path, last_applied, state)));
    return replace(path, file);
  }
  /// write_bytes_durable() of an encoded value.
  template <class T, class Codec = Postcard>
    requires EncoderFor<Codec, T>
  Status write_durable(std::string_view path, DurableId last_applied, const T& state) const {
    DURABILITY_TRY_ASSIGN(const Bytes file, (file_of<T, Codec>(path, last_applied.entry(), state)));
    return replace_durable(path, last_applied, file);
  }

  /// The bytes of a checkpoint's file. `encode`, naming `path`.
  template <class T, class Codec = Postcard>
    requires EncoderFor<Codec, T>
  static Result<Bytes> file_of(std::string_view path, EntryId last_applied, const T& state) {
    DURABILITY_TRY_ASSIGN(Bytes file, (encode<T, Codec>(path, state)));
    DURABILITY_TRY(put_header(path, last_applied, file));
    return file;
  }

  /// As read_bytes(), and `decode` where the payload is not an encoding of a T.
  template <class T, class Codec = Postcard>
    requires DecoderFor<Codec, T>
  Result<Checkpoint<T>> read(std::string_view path) const {
    DURABILITY_TRY_ASSIGN(const CheckpointBytes stored, read_bytes(path));
    auto state = Codec::template decode<T>(stored.payload);
    if (!state) return undecodable(path, std::move(state).error());
    return Checkpoint<T>{
        .last_applied = stored.last_applied, .version = stored.version, .state = *std::move(state)};
  }

 private:
  // Room for the header, then the payload: the file is built in one piece, without copying the payload.
  template <class T, class Codec>
  static Result<Bytes> encode(std::string_view path, const T& state) {
    Bytes file(checkpoint::kHeaderBytes);
    if (auto encoded = Codec::template encode<T>(state, file); !encoded) {
      return std::move(encoded).error().in_file(path);
    }
    return file;
  }
  static Error undecodable(std::string_view path, Error error);

  static Status put_header(std::string_view path, EntryId last_applied, Bytes& file);
  Status replace(std::string_view path, ByteView file) const;
  Status replace_durable(std::string_view path, DurableId last_applied, ByteView file) const;

  std::shared_ptr<Directory> directory_;
};

}  // namespace durability
