#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace copas {

/// The words of a line of a configuration file, up to one of the characters that begin a comment.
[[nodiscard]] inline std::vector<std::string_view> words_of(std::string_view line, std::string_view comment) {
  constexpr std::string_view blanks = " \t\r\n\f\v";
  line = line.substr(0, line.find_first_of(comment));
  std::vector<std::string_view> words;
  for (auto begin = line.find_first_not_of(blanks); begin != std::string_view::npos;) {
    const auto end = std::min(line.find_first_of(blanks, begin), line.size());
    words.push_back(line.substr(begin, end - begin));
    begin = line.find_first_not_of(blanks, end);
  }
  return words;
}

/// In the small letters of ASCII, whatever the locale: how names are compared.
[[nodiscard]] inline std::string in_small_letters(std::string_view text) {
  std::string small{text};
  for (char& each : small) {
    if (each >= 'A' && each <= 'Z') each = static_cast<char>(each - 'A' + 'a');
  }
  return small;
}

}  // namespace copas
