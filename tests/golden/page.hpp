#pragma once

// The text of a golden file, and how it is held against the one in the source tree.

#include <string>
#include <string_view>

namespace durability::golden {

/// `lead` and `text`, with a new line before the word that would go past column 100; what follows stands
/// under the first word of `text`.
std::string wrapped(std::string_view lead, std::string_view text);

/// How `page` and tests/golden/<name>.txt differ first, and what to do; empty where they do not. With
/// DURABILITY_GOLDEN=write in the environment the file is written instead.
std::string difference_from_file(const std::string& name, const std::string& page);

}  // namespace durability::golden
