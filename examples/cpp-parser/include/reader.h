#ifndef READER_H
#define READER_H

#include <stddef.h>

/* A file in memory. */
struct buffer {
    unsigned char *bytes;
    size_t size;
};

/* Reads a whole file; returns 0 when it worked. */
int reader_load(const char *path, struct buffer *into);

/* Copies the title of a file into a field of 32 characters. */
void reader_title(const struct buffer *from, char *title);

/* Writes a line to the log. */
void reader_log(const char *line);

void reader_free(struct buffer *buffer);

#endif
