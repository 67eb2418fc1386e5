// SPDX-License-Identifier: Apache-2.0
#include "completion.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "choice.h"
#include "command_line.h"

namespace referent::tools {
namespace {

/// A command and the words that lead to it, each after a space: "" the program, " config show".
struct Spot {
  std::string words;
  Command command;
};

void collect(const Command& command, const std::string& words, std::vector<Spot>& spots) {
  spots.push_back({words, command});
  for (const Command& nested : command.commands) {
    collect(nested, words + " " + nested.name, spots);
  }
}

std::vector<Spot> spots_of(const Command& root) {
  std::vector<Spot> spots;
  collect(root, "", spots);
  return spots;
}

/// Text between single quotes, as bash and zsh read it.
std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char letter : text) {
    if (letter == '\'') {
      result += "'\\''";
    } else {
      result += letter;
    }
  }
  return result + "'";
}

/// Text between single quotes, as fish reads it.
std::string fish_quoted(const std::string& text) {
  std::string result = "'";
  for (const char letter : text) {
    if (letter == '\'' || letter == '\\') result += '\\';
    result += letter;
  }
  return result + "'";
}

/// The patterns of a shell's case: every spot but the program itself.
std::string spot_patterns(const std::vector<Spot>& spots) {
  std::vector<std::string> patterns;
  for (const Spot& spot : spots) {
    if (!spot.words.empty()) patterns.push_back(quoted(spot.words));
  }
  return fmt::format("{}", fmt::join(patterns, "|"));
}

/// Calls `branch(patterns, parameter)` for every option with a value; the patterns match the words
/// and the option before the cursor. The program's own options stand behind any command.
template <typename Branch>
std::string value_branches(const std::vector<Spot>& spots, const Branch& branch) {
  std::string text;
  for (const Spot& spot : spots) {
    for (const Parameter& option : spot.command.options()) {
      if (option.type.empty()) continue;
      std::vector<std::string> patterns;
      patterns.reserve(option.names.size());
      for (const std::string& name : option.names) {
        patterns.push_back((spot.words.empty() ? "*" : "") + quoted(spot.words + " " + name));
      }
      text += branch(fmt::format("{}", fmt::join(patterns, "|")), option);
    }
  }
  return text;
}

std::vector<std::string> names_of(const std::vector<Parameter>& options) {
  std::vector<std::string> names;
  for (const Parameter& option : options) {
    names.insert(names.end(), option.names.begin(), option.names.end());
  }
  return names;
}

/// Options of a command that are not the program's own, which may stand behind any command.
std::vector<Parameter> own_options(const Command& command, const Command& root) {
  std::vector<Parameter> own;
  for (const Parameter& option : command.options()) {
    const bool common = std::ranges::any_of(
        root.options(), [&](const Parameter& other) { return other.names == option.names; });
    if (!common) own.push_back(option);
  }
  return own;
}

/// What may stand where no option does: commands, and arguments that are limited to a few values.
std::vector<std::string> plain_words(const Command& command) {
  std::vector<std::string> words;
  words.reserve(command.commands.size());
  for (const Command& nested : command.commands) words.push_back(nested.name);
  for (const Parameter& argument : command.arguments()) {
    words.insert(words.end(), argument.choices.begin(), argument.choices.end());
  }
  return words;
}

std::string bash_script(const std::vector<Spot>& spots) {
  const Command& root = spots.front().command;
  std::string text = fmt::format(R"(# bash completion for referent. Load it with
#   source <(referent completion bash)
_referent() {{
  local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}} spot= names= options= i
  for ((i = 1; i < COMP_CWORD; ++i)); do
    case "$spot ${{COMP_WORDS[i]}}" in
      {}) spot="$spot ${{COMP_WORDS[i]}}" ;;
    esac
  done
  COMPREPLY=()
  case "$spot $prev" in
)",
                                 spot_patterns(spots));
  text += value_branches(spots, [](const std::string& patterns, const Parameter& option) {
    // Without words of ours bash completes files.
    return fmt::format("    {}) COMPREPLY=($(compgen -W '{}' -- \"$cur\")); return ;;\n", patterns,
                       fmt::join(option.choices, " "));
  });
  text += "  esac\n  case \"$spot\" in\n";
  for (const Spot& spot : spots) {
    text += fmt::format("    {}) names='{}' options='{}' ;;\n", quoted(spot.words),
                        fmt::join(plain_words(spot.command), " "),
                        fmt::join(names_of(own_options(spot.command, root)), " "));
  }
  return text + fmt::format(R"(  esac
  if [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W "$options {}" -- "$cur"))
  else
    COMPREPLY=($(compgen -W "$names" -- "$cur"))
  fi
}}
complete -o default -F _referent referent
)",
                            fmt::join(names_of(root.options()), " "));
}

/// "name:description" for each, as zsh's _describe takes them.
std::string zsh_entries(const std::vector<std::pair<std::string, std::string>>& entries) {
  std::vector<std::string> words;
  words.reserve(entries.size());
  for (const auto& [name, description] : entries) {
    words.push_back(quoted(fmt::format("{}:{}", name, description)));
  }
  return fmt::format("({})", fmt::join(words, " "));
}

std::string zsh_options(const std::vector<Parameter>& options) {
  std::vector<std::pair<std::string, std::string>> entries;
  for (const Parameter& option : options) {
    for (const std::string& name : option.names) entries.emplace_back(name, option.description);
  }
  return zsh_entries(entries);
}

std::string zsh_names(const Command& command) {
  std::vector<std::pair<std::string, std::string>> entries;
  entries.reserve(command.commands.size());
  for (const Command& nested : command.commands) {
    entries.emplace_back(nested.name, nested.description);
  }
  for (const Parameter& argument : command.arguments()) {
    for (const std::string& value : argument.choices) {
      entries.emplace_back(value, argument.description);
    }
  }
  return zsh_entries(entries);
}

std::string zsh_script(const std::vector<Spot>& spots) {
  std::string text = fmt::format(R"(#compdef referent
# zsh completion for referent. Write it to a file _referent in a folder of $fpath, or load it with
#   source <(referent completion zsh)
_referent() {{
  local spot= i
  local -a names options common
  for ((i = 2; i < CURRENT; ++i)); do
    case "$spot ${{words[i]}}" in
      ({}) spot="$spot ${{words[i]}}" ;;
    esac
  done
  case "$spot ${{words[CURRENT-1]}}" in
)",
                                 spot_patterns(spots));
  text += value_branches(spots, [](const std::string& patterns, const Parameter& option) {
    if (option.choices.empty()) return fmt::format("    ({}) _files; return ;;\n", patterns);
    return fmt::format("    ({}) compadd -- {}; return ;;\n", patterns,
                       fmt::join(option.choices, " "));
  });
  text += "  esac\n  case \"$spot\" in\n";
  for (const Spot& spot : spots) {
    text += fmt::format("    ({}) names={} options={} ;;\n", quoted(spot.words),
                        zsh_names(spot.command),
                        zsh_options(own_options(spot.command, spots.front().command)));
  }
  return text + fmt::format(R"(  esac
  common={}
  if [[ ${{words[CURRENT]}} == -* ]]; then
    options+=($common)
    _describe option options
  elif (( $#names )); then
    _describe command names
  else
    _files
  fi
}}
compdef _referent referent
)",
                            zsh_options(spots.front().command.options()));
}

std::string fish_option(const std::string& condition, const Parameter& option) {
  std::string line = "complete -c referent" + condition;
  for (const std::string& name : option.names) {
    line += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  }
  if (!option.choices.empty()) {
    line += fmt::format(" -x -a '{}'", fmt::join(option.choices, " "));
  } else if (!option.type.empty()) {
    line += " -r";
  }
  return line + fmt::format(" -d {}\n", fish_quoted(option.description));
}

std::string fish_script(const std::vector<Spot>& spots) {
  std::vector<std::string> known;
  for (const Spot& spot : spots) {
    if (!spot.words.empty()) known.push_back(quoted(spot.words));
  }
  std::string text = fmt::format(R"(# fish completion for referent. Load it with
#   referent completion fish | source
function __referent_at
  set -l spot
  for word in (commandline -opc)[2..-1]
    if contains -- "$spot $word" {}
      set spot "$spot $word"
    end
  end
  test "$spot" = "$argv[1]"
end
)",
                                 fmt::join(known, " "));
  for (const Spot& spot : spots) {
    const std::string condition =
        fmt::format(" -n {}", fish_quoted("__referent_at \"" + spot.words + "\""));
    for (const Command& nested : spot.command.commands) {
      text += fmt::format("complete -c referent{} -f -a {} -d {}\n", condition, nested.name,
                          fish_quoted(nested.description));
    }
    for (const Parameter& argument : spot.command.arguments()) {
      if (argument.choices.empty()) continue;
      text += fmt::format("complete -c referent{} -f -a '{}' -d {}\n", condition,
                          fmt::join(argument.choices, " "), fish_quoted(argument.description));
    }
    for (const Parameter& option : own_options(spot.command, spots.front().command)) {
      text += fish_option(condition, option);
    }
  }
  for (const Parameter& option : spots.front().command.options()) text += fish_option("", option);
  return text;
}

}  // namespace

std::string completion_script(app::Shell shell, const Command& root) {
  const std::vector<Spot> spots = spots_of(root);
  switch (shell) {
    case app::Shell::kBash:
      return bash_script(spots);
    case app::Shell::kZsh:
      return zsh_script(spots);
    case app::Shell::kFish:
      break;
  }
  return fish_script(spots);
}

void add_completion(CLI::App& root, app::CommandLine& into) {
  const auto options = std::make_shared<app::CompletionOptions>();
  CLI::App* command =
      add_command(root, into, "completion",
                  "print a script that completes commands and options in a shell", options);
  add_choice(*command, "shell", options->shell, "which shell")->required();
}

int run_completion(const app::CompletionOptions& options) {
  fmt::print("{}", completion_script(options.shell, command_tree()));
  return 0;
}

}  // namespace referent::tools
