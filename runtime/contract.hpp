#pragma once

#include "runtime/access.hpp"

#include <theus/process.hpp>
#include <theus/write.hpp>

namespace theus {

/// The declared rights of one process or agent, compiled once. Immutable, shared between threads.
class Contract {
public:
  /// Refuses what can never work: unparsable paths, a pure process that reads signals or meta data, outputs of a guide,
  /// outputs that nobody with these side effects may write.
  static Result<Contract> compile(std::string name, const std::vector<std::string>& inputs,
                                  const std::vector<std::string>& outputs, Semantic semantic,
                                  const std::vector<std::string>& side_effects = {},
                                  std::shared_ptr<const AccessTable> access = AccessTable::standard());

  const std::string& name() const noexcept { return name_; }
  Semantic semantic() const noexcept { return semantic_; }
  const std::vector<PathPattern>& inputs() const noexcept { return inputs_; }
  const std::vector<PathPattern>& outputs() const noexcept { return outputs_; }
  const AccessTable& access() const noexcept { return *access_; }
  /// What the side effects `write:NAME` grant.
  const Standing& standing() const noexcept { return standing_; }

  /// whole: the path is granted; partial: only some of what stands below it is; none: nothing is.
  enum class Reading : std::uint8_t { none, partial, whole };
  Reading reading(const Path& path, const Standing& standing) const noexcept;

  /// Refuses (contract_violation: process, path, right, rule) a write outside the outputs or beyond the path's ceiling.
  Status may_write(const Write& write, const Standing& standing) const;
  /// Refuses elevation where the engine or the declared side effects do not grant it.
  Status may_elevate() const;
  /// Refuses signals of a pure or guide process.
  Status may_emit(std::string_view signal) const;

  /// The violation of reading a path that is not granted; names what is.
  Error illegal_read(const Path& path) const;
  /// A violation by this process.
  Error violation(std::string_view rule, const Path& path, std::string_view right, std::string cause,
                  std::string remedy) const;

private:
  void take(const std::vector<std::string>& side_effects);
  Status may_ever_write(const Path& path) const;

  std::string name_;
  Semantic semantic_ = Semantic::effect;
  std::vector<PathPattern> inputs_;
  std::vector<PathPattern> outputs_;
  std::shared_ptr<const AccessTable> access_;
  Standing standing_;
  bool may_be_elevated_ = false;
};

}  // namespace theus
