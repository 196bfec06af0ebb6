#pragma once

// What the bytes of a file are, field by field, as the library's own decoders read them.

#include <cstdint>
#include <string>
#include <vector>

#include "durability/base/bytes.hpp"

namespace durability::golden {

struct Place {
  std::size_t offset = 0;
  std::string name;
};

struct Anatomy {
  std::string text;  ///< offset, bytes, name and value of each field, a line each
  std::vector<Place> fields;
  std::vector<std::size_t> parts;  ///< where a header or a frame begins, or what is none
};

/// Of a segment of any version; a spare is zeros.
Anatomy segment_anatomy(ByteView file);
Anatomy record_log_anatomy(ByteView file);
Anatomy checkpoint_anatomy(ByteView file);

}  // namespace durability::golden
