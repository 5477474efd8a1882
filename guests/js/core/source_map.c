// Positions in the user's own files, of a bundle from the map that esbuild wrote, of TypeScript
// from ours.
//
// A map stays as text and is read from the start each time: only errors need it, and text that
// nobody reads costs an instance nothing.
#include "core.h"

#include <stdlib.h>
#include <string.h>

typedef struct Map {
  struct Map* next;
  char* key;
  char* sources;   // names, each ended by a newline
  char* mappings;  // base64 VLQ as in the source map format, version 3
} Map;

static Map* maps;

void source_map_set(const char* key, char* text) {
  char* end = strstr(text, "\n\n");
  Map* map = end ? malloc(sizeof *map) : NULL;
  if (!map) return;
  end[1] = 0;
  *map = (Map){.next = maps, .key = strdup(key), .sources = text, .mappings = end + 2};
  maps = map;
}

static int digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  if (c == '/') return 63;
  return -1;
}

static int read_number(const char** at) {
  uint32_t value = 0;
  int shift = 0;
  int d;
  while ((d = digit(**at)) >= 0) {
    (*at)++;
    if (shift < 30) value |= (uint32_t)(d & 31) << shift;
    shift += 5;
    if (!(d & 32)) break;
  }
  return value & 1 ? -(int)(value >> 1) : (int)(value >> 1);
}

static bool source_name(const Map* map, int index, const char** name, size_t* size) {
  const char* at = map->sources;
  for (; *at; index--) {
    const char* end = strchr(at, '\n');
    if (!end) return false;
    if (index == 0) {
      *name = at;
      *size = (size_t)(end - at);
      return true;
    }
    at = end + 1;
  }
  return false;
}

bool source_map_find(const char* file,
                     size_t file_size,
                     int line,
                     int column,
                     const char** source,
                     size_t* source_size,
                     int* source_line,
                     int* source_column) {
  const Map* map = maps;
  while (map && (strlen(map->key) != file_size || memcmp(map->key, file, file_size) != 0))
    map = map->next;
  if (!map) return false;
  int at_line = 1;
  int at_column = 0;
  int index = 0, original_line = 0, original_column = 0;
  bool found = false;
  int found_index = 0, found_line = 0, found_column = 0;
  for (const char* at = map->mappings; *at && at_line <= line;) {
    if (*at == ';') {
      at_line++;
      at_column = 0;
      at++;
    } else if (*at == ',') {
      at++;
    } else if (digit(*at) < 0) {
      break;
    } else {
      at_column += read_number(&at);
      bool has_origin = digit(*at) >= 0;
      if (has_origin) {
        index += read_number(&at);
        original_line += read_number(&at);
        original_column += read_number(&at);
        if (digit(*at) >= 0) read_number(&at);  // the name, which stack frames bring themselves
      }
      if (at_line == line && at_column <= column - 1) {
        found = has_origin;
        found_index = index;
        found_line = original_line;
        found_column = original_column;
      }
    }
  }
  if (!found || !source_name(map, found_index, source, source_size)) return false;
  *source_line = found_line + 1;
  *source_column = found_column + 1;
  return true;
}
