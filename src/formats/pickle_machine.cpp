// SPDX-License-Identifier: Apache-2.0
#include <bit>
#include <unordered_map>

#include "pickle_graph.h"
#include "pickle_input.h"
#include "pickle_literals.h"
#include "pickle_opcodes.h"
#include "referent/core/error.h"

namespace referent::formats::pickle {
namespace {

constexpr std::size_t kMaxNodes = 64'000'000;
constexpr std::size_t kMaxMarks = 10'000;
constexpr std::size_t kMaxName = 1024;
constexpr std::uint8_t kNewestProtocol = 5;

class Machine {
 public:
  explicit Machine(std::span<const std::byte> bytes)
      : input_(bytes), graph_(std::make_shared<Graph>(bytes.size())) {
    none_ = graph_->add({});
    true_ = graph_->add({Kind::kBool, false, true});
    false_ = graph_->add({Kind::kBool, false, false});
  }

  Parsed run() {
    while (true) {
      const auto op = static_cast<Op>(input_.little<std::uint8_t>());
      if (op == Op::kStop) break;
      if (!run_number(op) && !run_text(op) && !run_container(op) && !run_memo(op) &&
          !run_object(op)) {
        throw DataError("opcode 0x{:02x} is not one of a pickle", static_cast<int>(op));
      }
      if (graph_->size() > kMaxNodes || memo_.size() > kMaxNodes) {
        throw DataError("more than {} values", kMaxNodes);
      }
    }
    const NodeId root = pop();
    if (!stack_.empty() || !marks_.empty()) throw DataError("values are left over at the end");
    return {std::move(graph_), root, position()};
  }

  std::size_t position() const { return input_.position(); }

 private:
  // Stack. Nothing below the topmost mark may be popped.

  std::size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }

  NodeId top() const {
    if (stack_.size() <= floor()) throw DataError("an opcode lacks its operand");
    return stack_.back();
  }

  NodeId pop() {
    const NodeId id = top();
    stack_.pop_back();
    return id;
  }

  Sequence pop_to_mark() {
    if (marks_.empty()) throw DataError("an opcode lacks its mark");
    const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    Sequence items(first, stack_.end());
    stack_.erase(first, stack_.end());
    marks_.pop_back();
    return items;
  }

  void push(NodeId id) { stack_.push_back(id); }

  template <typename T>
  void push(Kind kind, T data) {
    push(graph_->add({kind, false, std::move(data)}));
  }

  void push_bool(bool value) { push(value ? true_ : false_); }

  void push_unicode(std::string_view text) {
    if (!is_utf8(text)) throw DataError("a string is not valid UTF-8");
    push(Kind::kString, std::string(text));
  }

  /// Python 2 strings carry no encoding: UTF-8 where they are, Latin-1 else.
  void push_legacy_string(std::string bytes) {
    const bool utf8 = is_utf8(bytes);
    push(graph_->add({Kind::kString, utf8, utf8 ? std::move(bytes) : utf8_from_latin1(bytes)}));
  }

  void push_integer(const Integer& integer) {
    if (integer.small) {
      push(Kind::kInt, *integer.small);
    } else {
      push(Kind::kBigInt, integer.digits);
    }
  }

  void push_bytes(std::string_view bytes) { push(Kind::kBytes, std::string(bytes)); }

  // Opcodes, by group; each function tells whether the opcode is of its group.

  bool run_number(Op op) {
    switch (op) {
      case Op::kNone:
        push(none_);
        return true;
      case Op::kNewTrue:
        push_bool(true);
        return true;
      case Op::kNewFalse:
        push_bool(false);
        return true;
      case Op::kBinInt:
        push<std::int64_t>(Kind::kInt, input_.little<std::int32_t>());
        return true;
      case Op::kBinInt1:
        push<std::int64_t>(Kind::kInt, input_.little<std::uint8_t>());
        return true;
      case Op::kBinInt2:
        push<std::int64_t>(Kind::kInt, input_.little<std::uint16_t>());
        return true;
      case Op::kInt: {
        const std::string_view digits = input_.line();
        if (digits == "00" || digits == "01") {
          push_bool(digits == "01");
        } else {
          push_integer(parse_integer(digits));
        }
        return true;
      }
      case Op::kLong:
        push_integer(parse_integer(input_.line()));
        return true;
      case Op::kLong1:
        push_integer(decode_integer(input_.take(input_.little<std::uint8_t>())));
        return true;
      case Op::kLong4:
        push_integer(decode_integer(input_.take(input_.little<std::uint32_t>())));
        return true;
      case Op::kFloat:
        push(Kind::kFloat, parse_float(input_.line()));
        return true;
      case Op::kBinFloat:
        push(Kind::kFloat,
             std::bit_cast<double>(__builtin_bswap64(input_.little<std::uint64_t>())));
        return true;
      default:
        return false;
    }
  }

  bool run_text(Op op) {
    switch (op) {
      case Op::kString:
        push_legacy_string(unquote_string(input_.line()));
        return true;
      case Op::kBinString:
        push_legacy_string(std::string(input_.take(input_.little<std::uint32_t>())));
        return true;
      case Op::kShortBinString:
        push_legacy_string(std::string(input_.take(input_.little<std::uint8_t>())));
        return true;
      case Op::kUnicode:
        push_unicode(decode_raw_unicode_escape(input_.line()));
        return true;
      case Op::kShortBinUnicode:
        push_unicode(input_.take(input_.little<std::uint8_t>()));
        return true;
      case Op::kBinUnicode:
        push_unicode(input_.take(input_.little<std::uint32_t>()));
        return true;
      case Op::kBinUnicode8:
        push_unicode(input_.take(input_.little<std::uint64_t>()));
        return true;
      case Op::kShortBinBytes:
        push_bytes(input_.take(input_.little<std::uint8_t>()));
        return true;
      case Op::kBinBytes:
        push_bytes(input_.take(input_.little<std::uint32_t>()));
        return true;
      case Op::kBinBytes8:
      case Op::kByteArray8:
        push_bytes(input_.take(input_.little<std::uint64_t>()));
        return true;
      default:
        return false;
    }
  }

  bool run_container(Op op) {
    switch (op) {
      case Op::kMark:
        if (marks_.size() >= kMaxMarks) throw DataError("nested deeper than {} marks", kMaxMarks);
        marks_.push_back(stack_.size());
        return true;
      case Op::kEmptyList:
        push(Kind::kList, Sequence());
        return true;
      case Op::kEmptyTuple:
        push(Kind::kTuple, Sequence());
        return true;
      case Op::kEmptySet:
        push(Kind::kSet, Sequence());
        return true;
      case Op::kEmptyDict:
        push(Kind::kDict, Entries());
        return true;
      case Op::kList:
        push(Kind::kList, pop_to_mark());
        return true;
      case Op::kTuple:
        push(Kind::kTuple, pop_to_mark());
        return true;
      case Op::kFrozenSet:
        push(Kind::kSet, pop_to_mark());
        return true;
      case Op::kDict: {
        const Sequence items = pop_to_mark();
        push(Kind::kDict, Entries());
        set_items(items);
        return true;
      }
      case Op::kTuple1:
        push_tuple(1);
        return true;
      case Op::kTuple2:
        push_tuple(2);
        return true;
      case Op::kTuple3:
        push_tuple(3);
        return true;
      case Op::kAppend:
        append({pop()});
        return true;
      case Op::kAppends:
      case Op::kAddItems:
        append(pop_to_mark());
        return true;
      case Op::kSetItem: {
        const NodeId value = pop();
        const NodeId key = pop();
        set_items({key, value});
        return true;
      }
      case Op::kSetItems:
        set_items(pop_to_mark());
        return true;
      default:
        return false;
    }
  }

  bool run_memo(Op op) {
    switch (op) {
      case Op::kPut:
        memo_[parse_index(input_.line())] = top();
        return true;
      case Op::kBinPut:
        memo_[input_.little<std::uint8_t>()] = top();
        return true;
      case Op::kLongBinPut:
        memo_[input_.little<std::uint32_t>()] = top();
        return true;
      case Op::kMemoize:
        memo_[memo_.size()] = top();
        return true;
      case Op::kGet:
        recall(parse_index(input_.line()));
        return true;
      case Op::kBinGet:
        recall(input_.little<std::uint8_t>());
        return true;
      case Op::kLongBinGet:
        recall(input_.little<std::uint32_t>());
        return true;
      case Op::kPop:
        if (stack_.size() == floor() && !marks_.empty()) {
          marks_.pop_back();
        } else {
          pop();
        }
        return true;
      case Op::kPopMark:
        pop_to_mark();
        return true;
      case Op::kDup:
        push(top());
        return true;
      case Op::kProto: {
        const auto protocol = input_.little<std::uint8_t>();
        if (protocol > kNewestProtocol) {
          throw DataError("pickle protocol {} is newer than {}", protocol, kNewestProtocol);
        }
        return true;
      }
      case Op::kFrame:
        if (input_.little<std::uint64_t>() > input_.left()) {
          throw DataError("the pickle is cut");
        }
        return true;
      default:
        return false;
    }
  }

  bool run_object(Op op) {
    switch (op) {
      case Op::kGlobal:
        push_named_class();
        return true;
      case Op::kStackGlobal:
        push_stack_global();
        return true;
      case Op::kReduce: {
        const NodeId arguments = pop();
        push(construct(*graph_, pop(), arguments));
        return true;
      }
      case Op::kNewObjEx: {
        pop();  // keyword arguments: an inert object has no use for them
        const NodeId arguments = pop();
        push_object(pop(), arguments);
        return true;
      }
      case Op::kNewObj: {
        const NodeId arguments = pop();
        push_object(pop(), arguments);
        return true;
      }
      case Op::kObj: {
        const Sequence items = pop_to_mark();
        if (items.empty()) throw DataError("an object without a class");
        call_or_make(items.front(), {items.begin() + 1, items.end()});
        return true;
      }
      case Op::kInst: {
        push_named_class();
        const NodeId type = pop();
        call_or_make(type, pop_to_mark());
        return true;
      }
      case Op::kBuild:
        build(pop());
        return true;
      case Op::kPersId:
        push_legacy_string(std::string(input_.line()));
        [[fallthrough]];
      case Op::kBinPersId:
        push(Kind::kPersistent, Sequence{pop()});
        return true;
      case Op::kExt1:
      case Op::kExt2:
      case Op::kExt4:
        throw DataError("it refers to Python's extension registry; refused");
      case Op::kNextBuffer:
      case Op::kReadOnlyBuffer:
        throw DataError("it refers to a buffer outside of it; refused");
      default:
        return false;
    }
  }

  // What the opcodes do.

  void push_tuple(std::size_t count) {
    Sequence items(count);
    for (std::size_t i = count; i-- > 0;) items[i] = pop();
    push(Kind::kTuple, std::move(items));
  }

  void append(const Sequence& items) {
    Node& target = (*graph_)[top()];
    Sequence* sequence = nullptr;
    if (target.kind == Kind::kList || target.kind == Kind::kSet) {
      sequence = &std::get<Sequence>(target.data);
    } else if (target.kind == Kind::kObject) {
      sequence = &graph_->object(top()).items;
    } else {
      throw DataError("items are appended to a value that is not a list");
    }
    sequence->insert(sequence->end(), items.begin(), items.end());
  }

  void set_items(const Sequence& items) {
    Node& target = (*graph_)[top()];
    Entries* entries = nullptr;
    if (target.kind == Kind::kDict) {
      entries = &std::get<Entries>(target.data);
    } else if (target.kind == Kind::kObject) {
      entries = &graph_->object(top()).entries;
    } else {
      throw DataError("items are set in a value that is not a dictionary");
    }
    if (items.size() % 2 != 0) throw DataError("a dictionary has a key without a value");
    for (std::size_t i = 0; i < items.size(); i += 2) entries->emplace_back(items[i], items[i + 1]);
  }

  void recall(std::uint64_t index) {
    const auto found = memo_.find(index);
    if (found == memo_.end()) throw DataError("memo {} is read but was never written", index);
    push(found->second);
  }

  void push_class(std::string_view module, std::string_view name) {
    if (module.size() > kMaxName || name.size() > kMaxName) {
      throw DataError("a global has a name of more than {} bytes", kMaxName);
    }
    if (!is_utf8(module) || !is_utf8(name)) throw DataError("a global's name is not valid UTF-8");
    push(Kind::kClass,
         std::make_unique<ClassName>(ClassName{std::string(module), std::string(name)}));
  }

  void push_named_class() {
    const std::string_view module = input_.line();
    push_class(module, input_.line());
  }

  void push_stack_global() {
    const NodeId name = pop();
    const NodeId module = pop();
    if (!graph_->is(name, Kind::kString) || !graph_->is(module, Kind::kString)) {
      throw DataError("a global whose name is not a string");
    }
    push_class(graph_->text(module), graph_->text(name));
  }

  void push_object(NodeId type, NodeId arguments) {
    if (!graph_->is(type, Kind::kClass) || !graph_->is(arguments, Kind::kTuple)) {
      throw DataError("an object is made of something that is not a class");
    }
    if (graph_->class_name(type).full() == "collections.OrderedDict") {
      push(Kind::kDict, Entries());
    } else {
      push(Kind::kObject, std::make_unique<Object>(Object{type, arguments, none_, {}, {}}));
    }
  }

  /// INST and OBJ make an object where there are no arguments, and call the class otherwise.
  void call_or_make(NodeId type, Sequence items) {
    const bool make = items.empty();
    const NodeId arguments = graph_->add({Kind::kTuple, false, std::move(items)});
    if (make) {
      push_object(type, arguments);
    } else {
      push(construct(*graph_, type, arguments));
    }
  }

  void build(NodeId state) {
    switch ((*graph_)[top()].kind) {
      case Kind::kObject:
        graph_->object(top()).state = state;
        return;
      case Kind::kDict:
        return;  // attributes of an ordered dictionary, e.g. PyTorch's _metadata
      default:
        throw DataError("a state is set on a value that is not an object");
    }
  }

  Input input_;
  std::shared_ptr<Graph> graph_;
  std::vector<NodeId> stack_;
  std::vector<std::size_t> marks_;
  std::unordered_map<std::uint64_t, NodeId> memo_;
  NodeId none_ = 0;
  NodeId true_ = 0;
  NodeId false_ = 0;
};

}  // namespace

Parsed parse(std::span<const std::byte> bytes, const std::string& where) {
  Machine machine(bytes);
  try {
    return machine.run();
  } catch (const DataError& error) {
    throw DataError("{}: pickle, byte {}: {}", where, machine.position(), error.what());
  }
}

}  // namespace referent::formats::pickle
