/*
 * tests/fuzz/replay -- runs a fuzz target over the files of its corpus, without libFuzzer.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static int
replay(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return 1;
    static uint8_t bytes[4 << 20];
    size_t         size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    /* An exact-size copy, so that a sanitizer sees the first byte beyond the end. */
    uint8_t *copy = malloc(size + (size == 0));
    if (copy == NULL)
        return 1;
    memcpy(copy, bytes, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
    return 0;
}

int
main(int argc, char **argv)
{
    DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
    if (folder == NULL) {
        fprintf(stderr, "usage: %s CORPUS_FOLDER (it must exist)\n", argv[0]);
        return 2;
    }
    size_t         count = 0;
    struct dirent *entry;
    while ((entry = readdir(folder)) != NULL) {
        char path[4096];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name);
        if (replay(path) != 0) {
            fprintf(stderr, "cannot read %s\n", path);
            closedir(folder);
            return 1;
        }
        count++;
    }
    closedir(folder);
    printf("%zu inputs replayed\n", count);
    return count == 0 ? 1 : 0;
}
