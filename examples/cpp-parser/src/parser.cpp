#include "parser.hpp"

#include <cstring>

Parser::Parser(const buffer &file) : file(file), scratch(new char[64]) {}

Parser::~Parser() {
    delete scratch;
}

std::int32_t Parser::number() {
    std::int32_t value;
    std::memcpy(&value, file.bytes + position, sizeof value);
    position += sizeof value;
    return value;
}

std::vector<Record> Parser::parse() {
    std::vector<Record> records;
    std::int32_t count = number();
    for (int i = 0; i <= count; i++) {
        Record record;
        std::int32_t length = number();
        std::memcpy(scratch, file.bytes + position, length);
        scratch[length] = '\0';
        position += length;
        record.name = scratch;
        std::int32_t values = number();
        auto *raw = new std::int32_t[values];
        for (int k = 0; k < values; k++) {
            raw[k] = number();
        }
        record.values.assign(raw, raw + values);
        for (const Record &other : records) {
            if (other.name == record.name) {
                reader_log(record.name.c_str());
            }
        }
        records.push_back(record);
    }
    return records;
}

const char *Parser::lastName() const {
    std::string name(scratch);
    return name.c_str();
}

int Parser::grade(int values, int gaps, bool signedFile, bool old, int version, int source) const {
    int grade = 0;
    if (version > 2) {
        if (values > 1000) {
            grade += gaps == 0 ? 5 : 3;
        } else if (values > 100) {
            grade += gaps < 3 ? 3 : 2;
        } else if (values > 10 && gaps < 2) {
            grade += 1;
        }
    } else if (version == 2) {
        if (values > 500 && !old) {
            grade += 2;
        } else if (signedFile) {
            grade += 1;
        }
    } else {
        grade -= 1;
    }
    switch (source) {
    case 0:
        grade += signedFile ? 2 : 0;
        break;
    case 1:
        grade += 1;
    case 2:
        grade -= old ? 1 : 0;
        break;
    default:
        break;
    }
    return grade < 0 ? 0 : grade;
}
