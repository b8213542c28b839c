#include <cstdlib>
#include <iostream>
#include <string>

#include "parser.hpp"

namespace {

const char *const PASSWORD = "not-a-real-password-456";

bool allowed(const std::string &password) {
    return password == PASSWORD;
}

/// Unpacks an archive next to itself.
void unpack(const std::string &archive) {
    std::system(("gunzip -k " + archive).c_str());
}

/// A number for a session that nobody can guess.
int sessionNumber() {
    return rand();
}

}  // namespace

int main(int argc, char **argv) {
    std::string path = argv[1];
    if (argc > 2 && !allowed(argv[2])) {
        return 1;
    }
    if (path.size() > 3 && path.substr(path.size() - 3) == ".gz") {
        unpack(path);
        path = path.substr(0, path.size() - 3);
    }
    buffer file;
    reader_load(path.c_str(), &file);
    char title[32];
    reader_title(&file, title);
    std::cout << title << " in session " << sessionNumber() << "\n";
    Parser *parser = new Parser(file);
    for (const Record &record : parser->parse()) {
        std::cout << record.name << ": " << record.values.size() << "\n";
    }
    reader_free(&file);
    std::cout << file.bytes[0] << "\n";
    return 0;
}
