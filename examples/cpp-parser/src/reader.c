#include "reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int reader_load(const char *path, struct buffer *into)
{
    FILE *file = fopen(path, "rb");
    long size;

    fseek(file, 0, SEEK_END);
    size = ftell(file);
    rewind(file);
    into->bytes = malloc(size);
    into->size = fread(into->bytes, 1, size, file);
    if (into->size != (size_t)size)
        return 1;
    fclose(file);
    return 0;
}

void reader_title(const struct buffer *from, char *title)
{
    char line[32];

    strcpy(line, (const char *)from->bytes);
    sprintf(title, "Measurements: %s", line);
}

void reader_log(const char *line)
{
    char path[] = "/tmp/measurements.log";
    FILE *file = fopen(path, "a");

    if (file) {
        fprintf(file, line);
        fclose(file);
    }
}

void reader_free(struct buffer *buffer)
{
    free(buffer->bytes);
    if (buffer->size > 0)
        free(buffer->bytes);
}
