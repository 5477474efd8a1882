#include "guests/js/builder/interface.h"

#include <algorithm>
#include <cctype>
#include <optional>
#include <utility>

namespace troupe::js {

namespace {

struct Token {
  enum class Kind { name, text, mark, end };
  Kind kind = Kind::end;
  std::string_view text;  // of a text without its quotation marks
  int line = 1;
  int column = 1;
};

// The few tokens a declaration file is made of. A text that is not closed ends with its line.
class Tokens {
 public:
  explicit Tokens(std::string_view text) : text_(text) { advance(); }

  const Token& now() const { return now_; }
  Token take() {
    Token taken = now_;
    advance();
    return taken;
  }
  bool eat(std::string_view what) {
    if (now_.kind == Token::Kind::text || now_.text != what) return false;
    advance();
    return true;
  }

 private:
  char at(std::size_t offset) const {
    return at_ + offset < text_.size() ? text_[at_ + offset] : '\0';
  }
  void skip(std::size_t count) {
    for (; count > 0 && at_ < text_.size(); count--, at_++) {
      column_ = text_[at_] == '\n' ? 1 : column_ + 1;
      line_ += text_[at_] == '\n' ? 1 : 0;
    }
  }
  void skip_blanks() {
    while (at_ < text_.size()) {
      if (std::isspace(static_cast<unsigned char>(at(0))) != 0) {
        skip(1);
      } else if (at(0) == '/' && at(1) == '/') {
        skip(std::min(text_.find('\n', at_), text_.size()) - at_);
      } else if (at(0) == '/' && at(1) == '*') {
        const std::size_t end = text_.find("*/", at_ + 2);
        skip(end == std::string_view::npos ? text_.size() - at_ : end + 2 - at_);
      } else {
        return;
      }
    }
  }
  void advance() {
    skip_blanks();
    now_ = Token{Token::Kind::end, "", line_, column_};
    if (at_ == text_.size()) return;
    const std::size_t begin = at_;
    if (at(0) == '"' || at(0) == '\'') {
      const std::size_t end =
          std::min(text_.find_first_of(std::string{at(0), '\n'}, at_ + 1), text_.size());
      now_.kind = Token::Kind::text;
      now_.text = text_.substr(begin + 1, end - begin - 1);
      skip(end + 1 - begin);
      return;
    }
    const auto is_of_name = [](char c) {
      return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$' ||
             (static_cast<unsigned char>(c) & 0x80) != 0;
    };
    std::size_t size = 0;
    while (is_of_name(at(size)) && at_ + size < text_.size()) size++;
    now_.kind = size > 0 ? Token::Kind::name : Token::Kind::mark;
    size = std::max<std::size_t>(size, 1);
    now_.text = text_.substr(begin, size);
    skip(size);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int line_ = 1;
  int column_ = 1;
  Token now_;
};

std::optional<ValueType> value_type(std::string_view name) {
  std::string lower(name);
  std::ranges::transform(
      lower, lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (lower == "i32") return ValueType::i32;
  if (lower == "i64" || lower == "ptr") return ValueType::i64;
  if (lower == "f32") return ValueType::f32;
  if (lower == "f64") return ValueType::f64;
  return std::nullopt;
}

class Parser {
 public:
  Parser(std::string_view name, std::string_view text) : name_(name), tokens_(text) {}

  boost::system::result<Interface, BuildError> parse() {
    while (ok() && tokens_.now().kind != Token::Kind::end) statement();
    if (error_) return *error_;
    return std::move(interface_);
  }

 private:
  bool ok() const { return !error_; }
  void fail(const Token& at, std::string message) {
    if (error_) return;
    error_.emplace();
    error_->file = name_;
    error_->message = std::move(message);
    error_->line = at.line;
    error_->column = at.column;
  }
  void expect(std::string_view what) {
    if (ok() && !tokens_.eat(what))
      fail(tokens_.now(), "expected `" + std::string(what) + "`" + found());
  }
  std::string found() const {
    return tokens_.now().kind == Token::Kind::end
               ? " and the file ends"
               : " and found `" + std::string(tokens_.now().text) + "`";
  }

  // `declare module "..." { ... }`; `export {}` and `import` only make the file a module.
  void statement() {
    if (tokens_.eat(";")) return;
    if (tokens_.eat("export")) {
      expect("{");
      expect("}");
      return;
    }
    const Token first = tokens_.now();
    if (!tokens_.eat("declare") || !tokens_.eat("module")) {
      fail(first,
           "expected `declare module \"main\"` or `declare module \"extism:host\"`: the interface "
           "of a "
           "plugin has nothing else");
      return;
    }
    const Token module = tokens_.take();
    if (module.kind != Token::Kind::text) {
      fail(module, "expected the name of a module in quotation marks");
      return;
    }
    expect("{");
    while (ok() && !tokens_.eat("}")) {
      if (module.text == "main") {
        export_of_main();
      } else {
        interface_of(module.text);
      }
    }
  }

  // export function NAME(...): TYPE;
  void export_of_main() {
    const Token first = tokens_.now();
    if (!tokens_.eat("export") || !tokens_.eat("function")) {
      fail(first,
           "expected `export function`: the module \"main\" has the functions that a plugin "
           "exports");
      return;
    }
    function("", interface_.exports);
  }

  // interface user { NAME(...): TYPE; ... }
  void interface_of(std::string_view module) {
    tokens_.eat("export");
    expect("interface");
    const Token name = tokens_.take();
    if (ok() && name.kind != Token::Kind::name)
      fail(name, "expected the name of an interface, as `user`");
    // "extism:host" with the interface `user` is what the older "extism:host/user" says at once.
    const std::string imported =
        std::string(module) +
        (module.find('/') == std::string_view::npos ? "/" + std::string(name.text) : "");
    expect("{");
    while (ok() && !tokens_.eat("}")) function(imported, interface_.host_functions);
    if (ok() && interface_.host_functions.size() > host_functions_max) {
      fail(name, "a plugin may use " + std::to_string(host_functions_max) + " host functions");
    }
  }

  void function(std::string module, std::vector<DeclaredFunction>& list) {
    const Token name = tokens_.take();
    if (name.kind == Token::Kind::mark || name.kind == Token::Kind::end) {
      fail(name, "expected the name of a function");
      return;
    }
    DeclaredFunction declared{
        std::move(module), std::string(name.text), {}, name.line, name.column};
    expect("(");
    while (ok() && !tokens_.eat(")")) {
      const Token parameter = tokens_.take();
      if (parameter.kind != Token::Kind::name) fail(parameter, "expected the name of a parameter");
      if (ok() && tokens_.eat(":")) {
        declared.type.parameters.push_back(type());
      } else {
        declared.type.parameters.push_back(ValueType::i64);
      }
      if (ok() && tokens_.now().text != ")") expect(",");
    }
    if (ok() && declared.type.parameters.size() > parameters_max)
      fail(name, "a function may have " + std::to_string(parameters_max) + " parameters");
    if (ok() && tokens_.eat(":") && !tokens_.eat("void")) declared.type.results.push_back(type());
    if (ok() && !tokens_.eat(";")) tokens_.eat(",");
    const auto same = [&](const DeclaredFunction& other) { return other.name == declared.name; };
    if (ok() && std::ranges::any_of(list, same))
      fail(name, "`" + declared.name + "` is declared twice");
    list.push_back(std::move(declared));
  }

  ValueType type() {
    const Token name = tokens_.take();
    const auto found = name.kind == Token::Kind::name ? value_type(name.text) : std::nullopt;
    if (!found) {
      fail(name,
           "`" + std::string(name.text) +
               "` is not a type of WebAssembly: write I32, I64, F32 or F64, and I64 "
               "for an offset of Extism memory");
    }
    return found.value_or(ValueType::i64);
  }

  std::string_view name_;
  Tokens tokens_;
  Interface interface_;
  std::optional<BuildError> error_;
};

}  // namespace

boost::system::result<Interface, BuildError> parse_interface(std::string_view name,
                                                             std::string_view text) {
  return Parser(name, text).parse();
}

}  // namespace troupe::js
