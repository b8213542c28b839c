#pragma once

#include <cstdint>
#include <string>
#include <vector>

extern "C" {
#include "reader.h"
}

/// One measurement.
struct Record {
    std::string name;
    std::vector<std::int32_t> values;
};

/// Parses a whole file.
class Parser {
public:
    explicit Parser(const buffer &file);
    ~Parser();

    std::vector<Record> parse();
    const char *lastName() const;
    int grade(int values, int gaps, bool signedFile, bool old, int version, int source) const;

private:
    std::int32_t number();

    const buffer &file;
    std::size_t position = 0;
    char *scratch;
};
