#include "base/error.h"

#include <cerrno>
#include <cstring>
#include <utility>

namespace beringia {

struct Error::Detail {
  Code code;
  Retry retry;
  std::string what;
  std::string why;
  std::string hint;
  std::string tag;
};

Error::Error(Code code, Retry retry, std::string what, std::string why, std::string hint)
    : detail_{std::make_shared<const Detail>(
          Detail{code, retry, std::move(what), std::move(why), std::move(hint), {}})} {}

Error::Error(std::shared_ptr<const Detail> detail) : detail_{std::move(detail)} {}

Code Error::code() const { return detail_->code; }
Retry Error::retry() const { return detail_->retry; }
const std::string& Error::what() const { return detail_->what; }
const std::string& Error::why() const { return detail_->why; }
const std::string& Error::hint() const { return detail_->hint; }
const std::string& Error::tag() const { return detail_->tag; }

std::string_view Error::id() const {
  switch (detail_->code) {
    case Code::kNotFound: return "BR-1001";
    case Code::kAlreadyExists: return "BR-1002";
    case Code::kDenied: return "BR-1003";
    case Code::kInvalid: return "BR-1004";
    case Code::kConflict: return "BR-1005";
    case Code::kBusy: return "BR-1006";
    case Code::kUnavailable: return "BR-1007";
    case Code::kCorrupt: return "BR-1008";
    case Code::kUnsupported: return "BR-1009";
    case Code::kCancelled: return "BR-1010";
    case Code::kInternal: return "BR-1011";
  }
  return "BR-1011";
}

Error Error::during(std::string_view step) && {
  Detail detail = *detail_;
  detail.what = std::string{step} + ": " + detail.what;
  return Error{std::make_shared<const Detail>(std::move(detail))};
}

Error Error::with_tag(std::string tag) && {
  Detail detail = *detail_;
  detail.tag = std::move(tag);
  return Error{std::make_shared<const Detail>(std::move(detail))};
}

std::string Error::to_string() const {
  std::string text = detail_->what;
  if (!detail_->why.empty()) text += ": " + detail_->why;
  if (!detail_->hint.empty()) text += " (do: " + detail_->hint + ")";
  return text;
}

std::string_view to_string(Code code) {
  switch (code) {
    case Code::kNotFound: return "not_found";
    case Code::kAlreadyExists: return "already_exists";
    case Code::kDenied: return "denied";
    case Code::kInvalid: return "invalid";
    case Code::kConflict: return "conflict";
    case Code::kBusy: return "busy";
    case Code::kUnavailable: return "unavailable";
    case Code::kCorrupt: return "corrupt";
    case Code::kUnsupported: return "unsupported";
    case Code::kCancelled: return "cancelled";
    case Code::kInternal: return "internal";
  }
  return "internal";
}

Error not_found(std::string what, std::string why, std::string hint) {
  return {Code::kNotFound, Retry::kNever, std::move(what), std::move(why), std::move(hint)};
}
Error already_exists(std::string what, std::string why, std::string hint) {
  return {Code::kAlreadyExists, Retry::kNever, std::move(what), std::move(why), std::move(hint)};
}
Error denied(std::string what, std::string why, std::string hint) {
  return {Code::kDenied, Retry::kNever, std::move(what), std::move(why), std::move(hint)};
}
Error invalid(std::string what, std::string why, std::string hint) {
  return {Code::kInvalid, Retry::kNever, std::move(what), std::move(why), std::move(hint)};
}
Error conflict(std::string what, std::string why, std::string hint) {
  return {Code::kConflict, Retry::kNever, std::move(what), std::move(why), std::move(hint)};
}
Error busy(std::string what, std::string why, std::string hint) {
  return {Code::kBusy, Retry::kSafe, std::move(what), std::move(why), std::move(hint)};
}
Error unavailable(std::string what, std::string why, std::string hint) {
  return {Code::kUnavailable, Retry::kSafe, std::move(what), std::move(why), std::move(hint)};
}
Error corrupt(std::string what, std::string why, std::string hint) {
  return {Code::kCorrupt, Retry::kNever, std::move(what), std::move(why), std::move(hint)};
}
Error unsupported(std::string what, std::string why, std::string hint) {
  return {Code::kUnsupported, Retry::kNever, std::move(what), std::move(why), std::move(hint)};
}
Error cancelled(std::string what, std::string why, std::string hint) {
  return {Code::kCancelled, Retry::kNever, std::move(what), std::move(why), std::move(hint)};
}
Error internal(std::string what, std::string why, std::string hint) {
  return {Code::kInternal, Retry::kNever, std::move(what), std::move(why), std::move(hint)};
}

Error from_errno(int error_number, std::string what) {
  std::string why = std::strerror(error_number);
  switch (error_number) {
    case ENOENT:
    case ENOTDIR: return not_found(std::move(what), std::move(why));
    case EEXIST:
    case EISDIR:
    case ENOTEMPTY: return already_exists(std::move(what), std::move(why));
    case EACCES:
    case EPERM:
    case EROFS: return denied(std::move(what), std::move(why));
    case EINVAL:
    case ENAMETOOLONG: return invalid(std::move(what), std::move(why));
    case EOPNOTSUPP: return unsupported(std::move(what), std::move(why));
    case ENOSPC:
    case EDQUOT:
      return Error{Code::kUnavailable, Retry::kNever, std::move(what), std::move(why),
                   "free space on that file system"}
          .with_tag("no_space");
    case EMFILE:
    case ENFILE:  // passes as soon as others are done; nothing is wrong with the disk
      return {Code::kBusy, Retry::kSafe, std::move(what), std::move(why),
              "raise the limit of open files (ulimit -n)"};
    default: return {Code::kUnavailable, Retry::kNever, std::move(what), std::move(why)};
  }
}

}  // namespace beringia
