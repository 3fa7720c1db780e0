#pragma once

#include <string>

struct Questions {
  std::string query;  ///< empty: the lines of standard input
  bool json = false;
};

/// Joins the engine that holds the embeddings, and answers. Gives the exit code.
int search(const std::string& handle, const Questions& questions);
