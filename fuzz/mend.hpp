#pragma once

// Makes checksums right, so that a mutation gets past them to the rules that follow. Each target's mutator
// does this to some of its inputs after libFuzzer's own mutations; to others it does nothing, since checksums
// are a part of what is tested. Sizes never change.

#include "durability/durability.hpp"

namespace durability::fuzz {

/// How far a mended file follows the rules.
struct Mending {
  bool ids = false;    ///< entry ids count on from the header's start
  bool seals = false;  ///< seals state what stands before them
};

/// A segment of version 2, 3 or 4; anything else stays as it is.
void mend_segment(MutableByteView bytes, Mending mending);
void mend_record_log(MutableByteView bytes);
void mend_checkpoint(MutableByteView bytes);

}  // namespace durability::fuzz

/// libFuzzer's own mutations; from its library.
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);
