#include <utility>

#include "kv/store.h"

namespace beringia::kv {
namespace {

size_t bytes_of(const Batch::Check& op) {
  return op.key.size() + (op.expected ? op.expected->size() : 0);
}
size_t bytes_of(const Batch::CheckEmpty& op) { return op.first.size() + op.last.size(); }
size_t bytes_of(const Batch::RemoveIfEmpty& op) {
  return op.key.size() + op.first.size() + op.last.size();
}
size_t bytes_of(const Batch::Put& op) { return op.key.size() + op.value.size(); }
size_t bytes_of(const Batch::Remove& op) { return op.key.size(); }
size_t bytes_of(const Batch::Append& op) { return op.stream.size() + 8 + op.value.size(); }

}  // namespace

void Batch::check(std::string key, std::optional<std::string> expected) {
  operations_.emplace_back(Check{std::move(key), std::move(expected)});
}

void Batch::check_empty(std::string first, std::string last) {
  operations_.emplace_back(CheckEmpty{std::move(first), std::move(last)});
}

void Batch::remove_if_empty(std::string key, std::string first, std::string last) {
  operations_.emplace_back(RemoveIfEmpty{std::move(key), std::move(first), std::move(last)});
}

void Batch::put(std::string key, std::string value) {
  operations_.emplace_back(Put{std::move(key), std::move(value)});
}

void Batch::remove(std::string key) { operations_.emplace_back(Remove{std::move(key)}); }

void Batch::append(std::string stream, std::string value) {
  operations_.emplace_back(Append{std::move(stream), std::move(value)});
}

void Batch::merge(Batch other) {
  operations_.insert(operations_.end(), std::make_move_iterator(other.operations_.begin()),
                     std::make_move_iterator(other.operations_.end()));
}

bool Batch::empty() const { return operations_.empty(); }

size_t Batch::bytes() const {
  size_t sum = 0;
  for (const auto& operation : operations_) {
    sum += std::visit([](const auto& op) { return bytes_of(op); }, operation);
  }
  return sum;
}

}  // namespace beringia::kv
