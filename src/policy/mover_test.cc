#include "policy/mover.h"

#include "core/reconcile.h"
#include "policy/test_lake.h"

namespace beringia::policy {
namespace {

using test::Call;
using test::hybrid;
using test::Lake;
using test::must;

core::WriteRequest with_attributes() {
  core::WriteRequest request;
  request.attributes.content_type = "text/csv";
  request.attributes.metadata = {{"colour", "blue"}};
  request.attributes.tags = {{"team", "sales"}};
  return request;
}

class Moving : public Lake {
 protected:
  using Lake::Lake;
  backend::CopyInfo native(const std::string& backend, const std::string& name) {
    return must(world_->faults(backend).inner().stat(context_, {name}), "native object");
  }
  std::string native_bytes(const std::string& backend, const std::string& name) {
    const auto info = native(backend, name);
    auto source = must(world_->faults(backend).inner().read(context_, {name, {0, info.size}, {}}));
    return must(io::read_all(context_, *source, 64 << 20));
  }
};

TEST_F(Moving, puts_the_bytes_in_the_target_and_changes_nothing_that_clients_see) {
  in([&] {
    const auto before = must(world_->put("/b/d/k", "some bytes", with_attributes()));
    const auto status = run_all();
    EXPECT_EQ(status.state, meta::RunRecord::State::kDone);
    EXPECT_EQ(status.objects_done, 1U);
    EXPECT_EQ(status.bytes_done, 10U);
    const auto after = must(world_->stat("/b/d/k"));
    EXPECT_EQ(world_->get("/b/d/k").value(), "some bytes");
    EXPECT_EQ(after.record.generation, before.record.generation);
    EXPECT_EQ(after.record.effective_etag(), before.record.effective_etag());
    EXPECT_EQ(after.record.metageneration, before.record.metageneration);
    EXPECT_EQ(after.record.created, before.record.created);
    EXPECT_EQ(after.record.metadata, before.record.metadata);
    EXPECT_EQ(after.record.tags, before.record.tags);
    EXPECT_EQ(backends_of("/b/d/k"), std::vector<std::string>{"cloud"});
    EXPECT_FALSE(world_->has_native("disk", "b/d/k"));
    expect_no_guards();
  });
}

TEST_F(Moving, leaves_an_object_that_describes_itself) {
  in([&] {
    const auto before = must(world_->put("/b/k", "some bytes", with_attributes()));
    run_all();
    const auto info = native("cloud", "b/k");
    EXPECT_EQ(info.content_type, "text/csv");
    EXPECT_EQ(info.attributes.at("beringia-write-id"), before.record.write_id);
    EXPECT_EQ(info.attributes.at("beringia-generation"), std::to_string(before.record.generation));
    EXPECT_EQ(info.attributes.at("colour"), "blue");
    EXPECT_EQ(info.attributes.at("beringia-tag-team"), "sales");
    EXPECT_EQ(native_bytes("cloud", "b/k"), "some bytes");
  });
}

TEST_F(Moving, encrypted_bytes_go_as_they_are_and_need_no_key) {
  in([&] {
    using Method = meta::Encryption::Method;
    const std::string bytes(100'000, 'x');
    const Secret key{std::string(32, 'c')};
    core::WriteRequest request;
    request.attributes.encryption.method = Method::kCustomer;
    request.attributes.encryption.customer_key = key;
    const auto before = must(world_->put("/b/k", bytes, request));
    const std::string stored = native_bytes("disk", "b/k");
    const auto status = run_all();
    EXPECT_EQ(status.objects_done, 1U);
    EXPECT_EQ(status.bytes_done, before.record.stored_size());
    EXPECT_EQ(native_bytes("cloud", "b/k"), stored);
    EXPECT_FALSE(world_->has_native("disk", "b/k"));
    const auto after = must(world_->stat("/b/k"));
    EXPECT_EQ(after.record.encryption, before.record.encryption);
    EXPECT_EQ(after.record.crc32c, before.record.crc32c);
    EXPECT_EQ(core::record_of_native(native("cloud", "b/k")).encryption.wrapped_key,
              before.record.encryption.wrapped_key);
    core::ReadRequest with_key;
    with_key.customer_key = key;
    EXPECT_EQ(world_->get("/b/k", with_key).value(), bytes);
    EXPECT_EQ(world_->get("/b/k").error().tag(), "customer_key_needed");
    expect_no_guards();
  });
}

TEST_F(Moving, back_to_premises_is_the_same_work) {
  in([&] {
    const auto before = must(world_->put("/b/k", "some bytes", with_attributes()));
    run_all();
    world_->set_policies({test::to_disk()});
    const auto status = run_all();
    EXPECT_EQ(status.objects_done, 1U);
    EXPECT_EQ(backends_of("/b/k"), std::vector<std::string>{"disk"});
    EXPECT_FALSE(world_->has_native("cloud", "b/k"));
    EXPECT_EQ(native_bytes("disk", "b/k"), "some bytes");
    EXPECT_EQ(native("disk", "b/k").md5, before.record.md5);
    EXPECT_EQ(world_->get("/b/k").value(), "some bytes");
    EXPECT_EQ(must(world_->stat("/b/k")).record.generation, before.record.generation);
    expect_no_guards();
  });
}

TEST_F(Moving, keeps_two_copies_when_the_policy_names_two_places) {
  in([&] {
    must(world_->put("/b/k", "some bytes"));
    world_->set_policies({{"both", "true", {{"disk", ""}, {"cloud", ""}}, 0}});
    run_all();
    EXPECT_EQ(backends_of("/b/k"), (std::vector<std::string>{"disk", "cloud"}));
    EXPECT_TRUE(world_->has_native("disk", "b/k"));
    EXPECT_TRUE(world_->has_native("cloud", "b/k"));
    EXPECT_EQ(plan().totals.objects, 0U);
    EXPECT_EQ(plan().in_place, 1U);
    // With the first copy's backend cut off the second one serves.
    world_->faults("disk").set_down(true);
    EXPECT_EQ(world_->get("/b/k").value(), "some bytes");
    world_->faults("disk").set_down(false);
    // One place less: the spare copy goes, no byte is copied.
    world_->set_policies({test::to_cloud()});
    const auto summary = plan();
    EXPECT_EQ(summary.totals.objects, 1U);
    EXPECT_EQ(summary.totals.bytes, 0U);
    wait(begin(summary.id).id);
    EXPECT_EQ(backends_of("/b/k"), std::vector<std::string>{"cloud"});
    EXPECT_FALSE(world_->has_native("disk", "b/k"));
    expect_no_guards();
  });
}

TEST_F(Moving, changes_only_the_storage_class_in_place) {
  in([&] {
    const auto before = must(world_->put("/b/k", "some bytes"));
    run_all();
    world_->set_policies({{"colder", "true", {{"cloud", "NEARLINE"}}, 0}});
    const auto summary = plan();
    EXPECT_EQ(summary.totals.bytes, 0U);
    EXPECT_EQ(summary.totals.calls.class_a, 1U);
    wait(begin(summary.id).id);
    const auto after = must(world_->stat("/b/k"));
    EXPECT_EQ(after.record.copies.at(0).storage_class, "NEARLINE");
    EXPECT_EQ(after.record.generation, before.record.generation);
    EXPECT_EQ(native("cloud", "b/k").storage_class, "NEARLINE");
    EXPECT_EQ(world_->get("/b/k").value(), "some bytes");
    EXPECT_EQ(plan().totals.objects, 0U);
  });
}

TEST_F(Moving, never_overwrites_what_stands_under_the_targets_name) {
  in([&] {
    must(world_->put("/b/k", "some bytes"));
    world_->foreign_write("cloud", "b/k", "foreign");
    const auto status = run_all();
    EXPECT_EQ(status.objects_skipped, 1U);
    ASSERT_EQ(status.reasons.size(), 1U);
    EXPECT_EQ(status.reasons[0].reason, "another object has its name in the target");
    EXPECT_EQ(native_bytes("cloud", "b/k"), "foreign");
    EXPECT_EQ(world_->get("/b/k").value(), "some bytes");
    expect_no_guards();
  });
}

TEST_F(Moving, keeps_away_from_names_that_a_renamed_directory_still_uses) {
  in([&] {
    must(world_->put("/b/d/k", "moved before"));
    run_all();
    must(world_->rename_directory("/b/d/", "/b/e/"));
    must(world_->put("/b/d/k", "same name again"));
    const auto status = run_all();
    EXPECT_EQ(world_->get("/b/e/k").value(), "moved before");
    EXPECT_EQ(world_->get("/b/d/k").value(), "same name again");
    EXPECT_EQ(status.objects_skipped, 1U);
    EXPECT_EQ(status.reasons.at(0).reason, "its name in the target belongs to a renamed directory");
    EXPECT_EQ(backends_of("/b/d/k"), std::vector<std::string>{"disk"});
  });
}

TEST_F(Moving, a_foreign_object_that_appears_while_bytes_are_copied_stays) {
  at_point_ = [&](const std::string& point) {
    if (point == "move.read") world_->foreign_write("cloud", "b/k", "foreign");
  };
  in([&] {
    must(world_->put("/b/k", "some bytes"));
    EXPECT_EQ(run_all().objects_skipped, 1U);
    EXPECT_EQ(native_bytes("cloud", "b/k"), "foreign");
    EXPECT_EQ(world_->get("/b/k").value(), "some bytes");
    expect_no_guards();
  });
}

TEST_F(Moving, a_reader_in_the_middle_reads_on_and_the_source_goes_after_it) {
  in([&] {
    const std::string bytes(3 << 20, 'x');
    must(world_->put("/b/k", bytes));
    auto open =
        must(world_->names().read(context_, world_->grant(core::Action::kRead, "/b/k"), {}));
    std::string first(1000, '\0');
    const size_t n = must(open.body->read(context_, first));
    EXPECT_EQ(run_all().objects_done, 1U);
    EXPECT_TRUE(world_->has_native("disk", "b/k"));
    must(core::reap_doomed(context_, world_->parts(), 100));
    EXPECT_TRUE(world_->has_native("disk", "b/k"));
    const auto rest = must(io::read_all(context_, *open.body, 64 << 20));
    EXPECT_EQ(first.substr(0, n) + rest, bytes);
    open.body.reset();
    expect_no_guards();
    EXPECT_FALSE(world_->has_native("disk", "b/k"));
    EXPECT_EQ(world_->get("/b/k").value(), bytes);
  });
}

TEST_F(Moving, failing_calls_are_repeated) {
  in([&] {
    must(world_->put("/b/k", "some bytes"));
    world_->faults("cloud").fail_before(Call::kWrite, unavailable("no", "503"), 2);
    world_->faults("disk").fail_before(Call::kRead, busy("no", "429"), 1);
    const auto status = run_all();
    EXPECT_EQ(status.objects_done, 1U);
    EXPECT_EQ(world_->get("/b/k").value(), "some bytes");
  });
}

TEST_F(Moving, a_lost_answer_to_the_upload_is_found_out) {
  in([&] {
    must(world_->put("/b/k", "some bytes"));
    world_->faults("cloud").fail_after(Call::kWrite, 1);
    EXPECT_EQ(run_all().objects_done, 1U);
    EXPECT_EQ(world_->faults("cloud").calls(Call::kWrite), 1U);
    EXPECT_EQ(world_->get("/b/k").value(), "some bytes");
    expect_no_guards();
  });
}

TEST_F(Moving, failures_without_end_give_up_and_leave_the_entry_as_it_was) {
  in([&] {
    must(world_->put("/b/k", "some bytes"));
    world_->faults("cloud").fail_before(Call::kWrite, denied("no", "HTTP 403: no permission"),
                                        1000);
    const auto status = run_all();
    EXPECT_EQ(status.state, meta::RunRecord::State::kFailed);
    EXPECT_EQ(status.objects_failed, 1U);
    EXPECT_EQ(status.reasons.at(0).reason, "HTTP 403: no permission");
    EXPECT_EQ(rows(status.id).at(0).note, "HTTP 403: no permission");
    EXPECT_EQ(backends_of("/b/k"), std::vector<std::string>{"disk"});
    EXPECT_EQ(world_->get("/b/k").value(), "some bytes");
    expect_no_guards();
  });
}

TEST_F(Moving, a_source_that_its_store_keeps_is_told) {
  in([&] {
    must(world_->put("/b/k", "some bytes"));
    world_->faults("disk").fail_before(Call::kRemove, denied("no", "HTTP 403: retention"), 1000);
    const auto status = run_all();
    EXPECT_EQ(status.state, meta::RunRecord::State::kDone) << "it has moved";
    EXPECT_EQ(status.objects_done, 1U);
    EXPECT_EQ(status.objects_failed, 0U);
    ASSERT_EQ(status.reasons.size(), 1U);
    EXPECT_EQ(status.reasons.at(0).reason, "moved, but the old copy stays: HTTP 403: retention");
    EXPECT_EQ(backends_of("/b/k"), std::vector<std::string>{"cloud"});
    EXPECT_EQ(world_->get("/b/k").value(), "some bytes");
  });
}

TEST_F(Moving, waits_for_a_backend_that_is_away_and_says_so) {
  in([&] {
    must(world_->put("/b/k", "some bytes"));
    const auto summary = plan();
    world_->faults("cloud").set_down(true);
    const auto run = begin(summary.id);
    must(io::sleep_for(context_, std::chrono::minutes{30}));
    const auto status = must(engine_->run(context_, world_->principal(), run.id));
    EXPECT_TRUE(status.paused);
    EXPECT_NE(status.paused_why.find("cloud"), std::string::npos);
    EXPECT_EQ(world_->get("/b/k").value(), "some bytes");
    world_->faults("cloud").set_down(false);
    EXPECT_EQ(wait(run.id).objects_done, 1U);
    EXPECT_EQ(world_->get("/b/k").value(), "some bytes");
  });
}

/// Flips one bit of whatever is read.
class Flipped final : public io::ByteSource {
 public:
  explicit Flipped(std::unique_ptr<io::ByteSource> inner) : inner_{std::move(inner)} {}
  Result<size_t> read(const io::Context& context, std::span<char> buffer) override {
    BR_TRY(n, inner_->read(context, buffer));
    if (n > 0) buffer[0] = static_cast<char>(buffer[0] ^ 1);
    return n;
  }

 private:
  std::unique_ptr<io::ByteSource> inner_;
};

TEST_F(Moving, a_source_that_does_not_match_its_checksum_is_never_copied_over) {
  in([&] {
    must(world_->put("/b/k", "some bytes"));
    world_->faults("disk").set_on_read(
        [](auto inner) { return std::make_unique<Flipped>(std::move(inner)); });
    const auto status = run_all();
    EXPECT_EQ(status.objects_failed, 1U);
    EXPECT_NE(status.reasons.at(0).reason.find("checksum"), std::string::npos);
    EXPECT_FALSE(world_->has_native("cloud", "b/k"));
    EXPECT_EQ(backends_of("/b/k"), std::vector<std::string>{"disk"});
    expect_no_guards();
  });
}

TEST_F(Moving, a_target_that_keeps_other_bytes_is_never_switched_to) {
  in([&] {
    must(world_->put("/b/k", "some bytes"));
    run_all();
    world_->set_policies({test::to_disk()});
    world_->faults("disk").set_on_read(
        [](auto inner) { return std::make_unique<Flipped>(std::move(inner)); });
    const auto status = run_all();
    EXPECT_EQ(status.objects_failed, 1U);
    EXPECT_EQ(backends_of("/b/k"), std::vector<std::string>{"cloud"});
    EXPECT_FALSE(world_->has_native("disk", "b/k"));
    EXPECT_EQ(world_->get("/b/k").value(), "some bytes");
    expect_no_guards();
  });
}

TEST_F(Moving, attributes_that_change_meanwhile_arrive_in_the_target) {
  at_point_ = [&](const std::string& point) {
    if (point != "move.verified") return;
    core::AttributePatch patch;
    patch.metadata = {{"colour", "green"}};
    must(world_->names().set_attributes(context_, world_->grant(core::Action::kWrite, "/b/k"),
                                        patch));
  };
  in([&] {
    must(world_->put("/b/k", "some bytes", with_attributes()));
    EXPECT_EQ(run_all().objects_done, 1U);
    EXPECT_EQ(must(world_->stat("/b/k")).record.metadata.at("colour"), "green");
    EXPECT_EQ(native("cloud", "b/k").attributes.at("colour"), "green");
    EXPECT_EQ(must(world_->stat("/b/k")).record.metageneration, 2U);
  });
}

TEST_F(Moving, needs_the_rights_of_who_started_the_run) {
  in([&] {
    must(world_->put("/b/k", "some bytes"));
    must(world_->put("/b/secret", "some bytes"));
    world_->principal("etl");
    must(world_->evaluator().put(context_, {"etl", {"etl"}, "/b/", access::Role::kWriter, false}));
    must(world_->evaluator().put(context_,
                                 {"no", {"etl"}, "/b/secret", access::Role::kWriter, true}));
    const auto run = begin(plan({}, "etl").id, 0, "etl");
    const auto status = must(engine_->wait(context_, world_->principal("etl"), run.id));
    EXPECT_EQ(status.objects_done, 1U);
    EXPECT_EQ(status.objects_failed, 1U);
    EXPECT_EQ(backends_of("/b/secret"), std::vector<std::string>{"disk"});
    EXPECT_EQ(backends_of("/b/k"), std::vector<std::string>{"cloud"});
    world_->principal("eve");
    EXPECT_EQ(engine_->run(context_, world_->principal("eve"), run.id).error().code(),
              Code::kDenied);
  });
}

TEST_F(Moving, every_step_is_in_the_audit_log) {
  in([&] {
    must(world_->put("/b/k", "some bytes"));
    const auto status = run_all();
    std::string all;
    for (const auto& row : must(world_->store().scan(context_, "a", "b", 1000))) all += row.value;
    for (const char* step :
         {"policy.plan", "policy.apply", "move.begin", "move.copy", "move.switch", "move.clean"}) {
      EXPECT_NE(all.find(step), std::string::npos) << step;
    }
    EXPECT_NE(all.find("run " + status.id), std::string::npos);
  });
}

class MovingElsewhere : public Moving {
 protected:
  static test::WorldOptions only_disk() {
    auto options = hybrid();
    options.mounts = {{"/", {"disk"}}};
    return options;
  }
  MovingElsewhere() : Moving{only_disk()} {}
};

TEST_F(MovingElsewhere, works_with_a_backend_that_the_mount_does_not_list) {
  in([&] {
    must(world_->put("/b/d/k", "some bytes"));
    run_all();
    EXPECT_EQ(backends_of("/b/d/k"), std::vector<std::string>{"cloud"});
    EXPECT_EQ(world_->get("/b/d/k").value(), "some bytes");
    must(world_->rename_directory("/b/d/", "/b/e/"));
    EXPECT_EQ(world_->get("/b/e/k").value(), "some bytes");
    EXPECT_EQ(world_->names_in("/b/"), std::vector<std::string>{"e/k"});
    must(world_->remove("/b/e/k"));
    EXPECT_FALSE(world_->has_native("cloud", "b/d/k"));
  });
}

class MovingOnShared : public Moving {
 protected:
  MovingOnShared() : Moving{hybrid(false)} {}
};

TEST_F(MovingOnShared, listings_and_reads_in_the_middle_see_one_entry) {
  std::vector<std::string> seen;
  at_point_ = [&](const std::string& point) {
    if (!point.starts_with("move.") || test::holds_lock(point)) return;
    seen.push_back(point);
    EXPECT_EQ(world_->names_in("/b/"), std::vector<std::string>{"k"}) << point;
    EXPECT_EQ(world_->get("/b/k").value(), "some bytes") << point;
  };
  in([&] {
    const auto before = must(world_->put("/b/k", "some bytes"));
    EXPECT_EQ(run_all().objects_done, 1U);
    EXPECT_GE(seen.size(), 4U);
    EXPECT_EQ(must(world_->stat("/b/k")).record.generation, before.record.generation);
    EXPECT_EQ(world_->names_in("/b/"), std::vector<std::string>{"k"});
    EXPECT_EQ(backends_of("/b/k"), std::vector<std::string>{"cloud"});
    expect_no_guards();
  });
}

TEST_F(MovingOnShared, a_foreign_overwrite_of_the_source_wins) {
  for (const std::string at : {"move.begun", "move.read", "move.verified"}) {
    in([&] {
      const std::string path = "/b/" + at;
      must(world_->put(path, "some bytes"));
      at_point_ = [&](const std::string& point) {
        if (point == at) world_->foreign_write("disk", path.substr(1), "foreign");
      };
      run_all();
      at_point_ = nullptr;
      EXPECT_EQ(world_->get(path).value(), "foreign") << at;
      EXPECT_EQ(world_->names_in("/b/"), std::vector<std::string>{at});
      must(world_->remove(path));
      EXPECT_EQ(world_->names_in("/b/"), std::vector<std::string>{});
      expect_no_guards();
    });
  }
}

class MovingOnStale : public Moving {
 protected:
  static test::WorldOptions stale() {
    auto options = hybrid(false);
    options.mounts.at(0).max_staleness = std::chrono::minutes{1};
    return options;
  }
  MovingOnStale() : Moving{stale()} {}
};

TEST_F(MovingOnStale, a_foreign_overwrite_that_nobody_has_seen_yet_wins) {
  at_point_ = [&](const std::string& point) {
    if (point == "move.verified") world_->foreign_write("disk", "b/k", "foreign");
  };
  in([&] {
    must(world_->put("/b/k", "some bytes"));
    EXPECT_EQ(run_all().objects_skipped, 1U);
    must(io::sleep_for(context_, std::chrono::minutes{2}));
    EXPECT_EQ(world_->get("/b/k").value(), "foreign");
    expect_no_guards();
  });
}

}  // namespace
}  // namespace beringia::policy
