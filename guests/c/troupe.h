// Troupe's words for plugins in C: handlers over JSON, and what a plugin says to its server.
//
// A copy of this file is part of your plugin. What is printed with printf goes into the plugin's
// log.
//
//   HANDLER(add) {  // gets json payload, json state, json_writer *out
//     int64_t by, count;
//     if (!json_int(json_get(payload, "by"), &by)) return troupe_fail("by must be a whole number");
//     if (!json_int(json_get(state, "count"), &count)) return troupe_fail("count must be a whole
//     number"); json_begin(out); json_name(out, "count"); json_put_int(out, count + by);
//     json_end(out);
//     return true;
//   }
//
// HANDLER(add) exports the event "add". The input of the call is JSON: of an array the first two
// elements are payload and state, any other value is the payload, and what is not there is no
// value. What is written to `out` is the output. A handler that returns troupe_fail(text) ends the
// call with this error: the client gets the text.
//
// Memory from troupe_alloc, and strings read from JSON, live until the call ends. Nothing is freed
// by hand.
#ifndef TROUPE_H
#define TROUPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TROUPE_USED __attribute__((unused))

// ---- Reading JSON

// One value where it stands in the text. Without a value `at` is NULL; reading from no value gives
// none, so that json_get(json_get(v, "a"), "b") needs no test between.
typedef struct {
  const char* at;
  const char* end;    // behind its last byte
  const char* limit;  // of the array it stands in
} json;

TROUPE_USED static bool json_is(json value) {
  return value.at != NULL;
}

enum { troupe_json_depth_max = 128 };

TROUPE_USED static const char* troupe_skip_space(const char* at, const char* end) {
  while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) at++;
  return at;
}

TROUPE_USED static bool troupe_is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

TROUPE_USED static const char* troupe_skip_string(const char* at, const char* end) {
  if (at == end || *at++ != '"') return NULL;
  while (at < end && *at != '"') {
    if ((unsigned char)*at < 0x20) return NULL;
    if (*at++ != '\\') continue;
    if (at == end) return NULL;
    if (*at == 'u') {
      if (end - at < 5) return NULL;
      for (int i = 1; i <= 4; i++) {
        if (!troupe_is_hex(at[i])) return NULL;
      }
    } else if (!memchr("\"\\/bfnrt", *at, 8)) {
      return NULL;
    }
    at++;
  }
  return at < end ? at + 1 : NULL;
}

TROUPE_USED static const char* troupe_skip_digits(const char* at, const char* end) {
  const char* begin = at;
  while (at < end && *at >= '0' && *at <= '9') at++;
  return at == begin ? NULL : at;
}

TROUPE_USED static const char* troupe_skip_number(const char* at, const char* end) {
  if (at < end && *at == '-') at++;
  const bool zero = at < end && *at == '0';
  at = zero ? at + 1 : troupe_skip_digits(at, end);
  if (at && at < end && *at == '.') at = troupe_skip_digits(at + 1, end);
  if (at && at < end && (*at == 'e' || *at == 'E')) {
    at++;
    if (at < end && (*at == '+' || *at == '-')) at++;
    at = troupe_skip_digits(at, end);
  }
  return at;
}

// Behind the value that begins here; NULL when there is none that is JSON.
TROUPE_USED static const char* troupe_skip_value(const char* at, const char* end, int depth) {
  if (at == end || depth > troupe_json_depth_max) return NULL;
  if (*at == '"') return troupe_skip_string(at, end);
  if (*at != '{' && *at != '[') {
    static const char* const words[] = {"null", "true", "false"};
    for (int i = 0; i < 3; i++) {
      const size_t size = strlen(words[i]);
      if ((size_t)(end - at) >= size && memcmp(at, words[i], size) == 0) return at + size;
    }
    return troupe_skip_number(at, end);
  }
  const bool object = *at == '{';
  const char close = object ? '}' : ']';
  at = troupe_skip_space(at + 1, end);
  if (at < end && *at == close) return at + 1;
  for (;;) {
    if (object) {
      at = troupe_skip_string(at, end);
      if (!at) return NULL;
      at = troupe_skip_space(at, end);
      if (at == end || *at++ != ':') return NULL;
      at = troupe_skip_space(at, end);
    }
    at = troupe_skip_value(at, end, depth + 1);
    if (!at) return NULL;
    at = troupe_skip_space(at, end);
    if (at == end) return NULL;
    if (*at == close) return at + 1;
    if (*at++ != ',') return NULL;
    at = troupe_skip_space(at, end);
  }
}

// The value that begins behind white space at `at`, known to be sound.
TROUPE_USED static json troupe_value_at(const char* at, const char* limit) {
  json value = {NULL, NULL, NULL};
  at = troupe_skip_space(at, limit);
  const char* end = troupe_skip_value(at, limit, 0);
  if (end) {
    value.at = at;
    value.end = end;
    value.limit = limit;
  }
  return value;
}

// The value a text consists of; none when it is not JSON.
TROUPE_USED static json json_parse(const char* text, size_t size) {
  json value = troupe_value_at(text, text + size);
  if (value.at && troupe_skip_space(value.end, text + size) != text + size) value.at = NULL;
  return value;
}

// The elements of an array, one after the other:
//   for (json each = json_first(list); json_is(each); each = json_next(each)) ...
TROUPE_USED static json json_first(json array) {
  const json none = {NULL, NULL, NULL};
  if (!array.at || *array.at != '[') return none;
  return troupe_value_at(array.at + 1, array.end - 1);
}

TROUPE_USED static json json_next(json element) {
  const json none = {NULL, NULL, NULL};
  const char* at = troupe_skip_space(element.end, element.limit);
  if (at == element.limit || *at != ',') return none;
  return troupe_value_at(at + 1, element.limit);
}

TROUPE_USED static size_t troupe_put_utf8(char* out, uint32_t code) {
  if (code < 0x80) {
    out[0] = (char)code;
    return 1;
  }
  if (code < 0x800) {
    out[0] = (char)(0xc0 | code >> 6);
    out[1] = (char)(0x80 | (code & 0x3f));
    return 2;
  }
  if (code < 0x10000) {
    out[0] = (char)(0xe0 | code >> 12);
    out[1] = (char)(0x80 | (code >> 6 & 0x3f));
    out[2] = (char)(0x80 | (code & 0x3f));
    return 3;
  }
  out[0] = (char)(0xf0 | code >> 18);
  out[1] = (char)(0x80 | (code >> 12 & 0x3f));
  out[2] = (char)(0x80 | (code >> 6 & 0x3f));
  out[3] = (char)(0x80 | (code & 0x3f));
  return 4;
}

TROUPE_USED static uint32_t troupe_hex4(const char* at) {
  uint32_t code = 0;
  for (int i = 0; i < 4; i++) {
    const char c = at[i];
    code = code * 16 + (uint32_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
  }
  return code;
}

// Writes a string's characters to `out`, which has room for the text of the string; how many bytes.
TROUPE_USED static size_t troupe_unescape(json string, char* out) {
  size_t size = 0;
  for (const char* at = string.at + 1; at < string.end - 1; at++) {
    if (*at != '\\') {
      out[size++] = *at;
      continue;
    }
    at++;
    if (*at != 'u') {
      const char* const from = "bfnrt";
      const char* const to = "\b\f\n\r\t";
      const char* const found = strchr(from, *at);
      out[size++] = found ? to[found - from] : *at;
      continue;
    }
    uint32_t code = troupe_hex4(at + 1);
    at += 4;
    if (code >= 0xd800 && code < 0xdc00 && string.end - at > 6 && at[1] == '\\' && at[2] == 'u') {
      const uint32_t low = troupe_hex4(at + 3);
      if (low >= 0xdc00 && low < 0xe000) {
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        at += 6;
      }
    }
    if (code >= 0xd800 && code < 0xe000) code = 0xfffd;  // half of a pair
    size += troupe_put_utf8(out + size, code);
  }
  return size;
}

void* troupe_alloc(size_t size);

// A string's characters, with a 0 behind them. False when the value is no string.
TROUPE_USED static bool json_string(json value, const char** text, size_t* size) {
  if (!value.at || *value.at != '"') return false;
  char* copy = (char*)troupe_alloc((size_t)(value.end - value.at));
  const size_t length = troupe_unescape(value, copy);
  copy[length] = 0;
  *text = copy;
  if (size) *size = length;
  return true;
}

// Whether the value is a string of these characters.
TROUPE_USED static bool json_equals(json value, const char* text) {
  const char* characters;
  size_t size;
  return json_string(value, &characters, &size) && size == strlen(text) &&
         memcmp(characters, text, size) == 0;
}

// The member of an object; the last one of that name.
TROUPE_USED static json json_get(json object, const char* name) {
  json found = {NULL, NULL, NULL};
  if (!object.at || *object.at != '{') return found;
  const char* limit = object.end - 1;
  const char* at = troupe_skip_space(object.at + 1, limit);
  while (at < limit) {
    const json key = troupe_value_at(at, limit);
    at = troupe_skip_space(key.end, limit) + 1;  // the colon
    const json value = troupe_value_at(at, limit);
    const bool plain = !memchr(key.at, '\\', (size_t)(key.end - key.at));
    const size_t size = (size_t)(key.end - key.at) - 2;
    if (plain ? size == strlen(name) && memcmp(key.at + 1, name, size) == 0
              : json_equals(key, name)) {
      found = value;
    }
    at = troupe_skip_space(value.end, limit);
    if (at < limit) at = troupe_skip_space(at + 1, limit);  // the comma
  }
  return found;
}

// False when the value is no whole number or does not fit.
TROUPE_USED static bool json_int(json value, int64_t* number) {
  if (!value.at) return false;
  const char* at = value.at;
  const bool negative = *at == '-';
  if (negative) at++;
  int64_t result = 0;
  if (at == value.end) return false;
  for (; at < value.end; at++) {
    if (*at < '0' || *at > '9') return false;
    const int64_t digit = *at - '0';
    if (__builtin_mul_overflow(result, (int64_t)10, &result)) return false;
    if (negative ? __builtin_sub_overflow(result, digit, &result)
                 : __builtin_add_overflow(result, digit, &result)) {
      return false;
    }
  }
  *number = result;
  return true;
}

TROUPE_USED static bool json_double(json value, double* number) {
  if (!value.at || (*value.at != '-' && (*value.at < '0' || *value.at > '9'))) return false;
  const size_t size = (size_t)(value.end - value.at);
  char* copy = (char*)troupe_alloc(size + 1);
  memcpy(copy, value.at, size);
  copy[size] = 0;
  *number = strtod(copy, NULL);
  return true;
}

TROUPE_USED static bool json_bool(json value, bool* truth) {
  if (!value.at || (*value.at != 't' && *value.at != 'f')) return false;
  *truth = *value.at == 't';
  return true;
}

TROUPE_USED static bool json_is_null(json value) {
  return value.at && *value.at == 'n';
}

// ---- Writing JSON

// A text that grows, to begin with json_make(). Commas come by themselves.
typedef struct {
  char* at;
  size_t size;
  size_t room;
  bool comma;
} json_writer;

TROUPE_USED static json_writer json_make(void) {
  json_writer out;
  memset(&out, 0, sizeof out);
  return out;
}

TROUPE_USED static void troupe_put(json_writer* out, const char* bytes, size_t size) {
  if (out->room - out->size < size) {
    size_t room = out->room * 2 + size + 64;
    char* larger = (char*)troupe_alloc(room);
    if (out->size) memcpy(larger, out->at, out->size);
    out->at = larger;
    out->room = room;
  }
  memcpy(out->at + out->size, bytes, size);
  out->size += size;
}

TROUPE_USED static void troupe_put_value(json_writer* out, const char* bytes, size_t size) {
  if (out->comma) troupe_put(out, ",", 1);
  troupe_put(out, bytes, size);
  out->comma = true;
}

TROUPE_USED static void troupe_open(json_writer* out, const char* bracket) {
  troupe_put_value(out, bracket, 1);
  out->comma = false;
}

TROUPE_USED static void troupe_close(json_writer* out, const char* bracket) {
  troupe_put(out, bracket, 1);
  out->comma = true;
}

TROUPE_USED static void json_begin(json_writer* out) {
  troupe_open(out, "{");
}
TROUPE_USED static void json_end(json_writer* out) {
  troupe_close(out, "}");
}
TROUPE_USED static void json_begin_list(json_writer* out) {
  troupe_open(out, "[");
}
TROUPE_USED static void json_end_list(json_writer* out) {
  troupe_close(out, "]");
}

// A string of UTF-8.
TROUPE_USED static void json_put_text(json_writer* out, const char* text, size_t size) {
  troupe_put_value(out, "\"", 1);
  size_t begin = 0;
  for (size_t i = 0; i <= size; i++) {
    const unsigned char c = i < size ? (unsigned char)text[i] : 0;
    if (i < size && c >= 0x20 && c != '"' && c != '\\') continue;
    troupe_put(out, text + begin, i - begin);
    begin = i + 1;
    if (i == size) break;
    static const char digits[] = "0123456789abcdef";
    const char escape[] = {'\\', 'u', '0', '0', digits[c >> 4], digits[c & 15]};
    const char plain[] = {'\\', (char)c};
    if (c < 0x20) {
      troupe_put(out, escape, sizeof escape);
    } else {
      troupe_put(out, plain, sizeof plain);
    }
  }
  troupe_put(out, "\"", 1);
}

TROUPE_USED static void json_put_string(json_writer* out, const char* text) {
  json_put_text(out, text, strlen(text));
}

// The name of the member whose value comes next.
TROUPE_USED static void json_name(json_writer* out, const char* name) {
  json_put_string(out, name);
  troupe_put(out, ":", 1);
  out->comma = false;
}

TROUPE_USED static void json_put_int(json_writer* out, int64_t number) {
  char digits[20];
  size_t at = sizeof digits;
  uint64_t rest = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
  do {
    digits[--at] = (char)('0' + rest % 10);
    rest /= 10;
  } while (rest);
  if (number < 0) digits[--at] = '-';
  troupe_put_value(out, digits + at, sizeof digits - at);
}

// The shortest text that reads as the same number; null for what JSON has no number for.
TROUPE_USED static void json_put_double(json_writer* out, double number) {
  char text[32];
  if (number - number != 0) {
    troupe_put_value(out, "null", 4);
    return;
  }
  for (int digits = 15; digits <= 17; digits++) {
    snprintf(text, sizeof text, "%.*g", digits, number);
    if (strtod(text, NULL) == number) break;
  }
  troupe_put_value(out, text, strlen(text));
}

TROUPE_USED static void json_put_bool(json_writer* out, bool truth) {
  troupe_put_value(out, truth ? "true" : "false", truth ? 4 : 5);
}

TROUPE_USED static void json_put_null(json_writer* out) {
  troupe_put_value(out, "null", 4);
}

// A value that was read, as it stands; no value is null.
TROUPE_USED static void json_put(json_writer* out, json value) {
  if (value.at) {
    troupe_put_value(out, value.at, (size_t)(value.end - value.at));
  } else {
    json_put_null(out);
  }
}

// ---- The plugin and its host

#define TROUPE_IMPORT(module, name) __attribute__((import_module(module), import_name(name)))
#define TROUPE_ENV(name) TROUPE_IMPORT("extism:host/env", name)
#define TROUPE_USER(name) TROUPE_IMPORT("extism:host/user", name)

TROUPE_ENV("input_length") uint64_t troupe_env_input_length(void);
TROUPE_ENV("input_load_u8") uint32_t troupe_env_input_load_u8(uint64_t offset);
TROUPE_ENV("input_load_u64") uint64_t troupe_env_input_load_u64(uint64_t offset);
TROUPE_ENV("alloc") uint64_t troupe_env_alloc(uint64_t size);
TROUPE_ENV("free") void troupe_env_free(uint64_t block);
TROUPE_ENV("length") uint64_t troupe_env_length(uint64_t block);
TROUPE_ENV("load_u8") uint32_t troupe_env_load_u8(uint64_t offset);
TROUPE_ENV("load_u64") uint64_t troupe_env_load_u64(uint64_t offset);
TROUPE_ENV("store_u8") void troupe_env_store_u8(uint64_t offset, uint32_t byte);
TROUPE_ENV("store_u64") void troupe_env_store_u64(uint64_t offset, uint64_t bytes);
TROUPE_ENV("output_set") void troupe_env_output_set(uint64_t block, uint64_t size);
TROUPE_ENV("error_set") void troupe_env_error_set(uint64_t block);
TROUPE_ENV("config_get") uint64_t troupe_env_config_get(uint64_t key);
TROUPE_USER("troupe_self") uint64_t troupe_user_self(void);
TROUPE_USER("troupe_reply") void troupe_user_reply(uint64_t what);
TROUPE_USER("troupe_broadcast") void troupe_user_broadcast(uint64_t what);
TROUPE_USER("troupe_publish") void troupe_user_publish(uint64_t what);
TROUPE_USER("troupe_subscribe") void troupe_user_subscribe(uint64_t what);
TROUPE_USER("troupe_send") void troupe_user_send(uint64_t what);
TROUPE_USER("troupe_timer") void troupe_user_timer(uint64_t what);
TROUPE_USER("troupe_cancel") void troupe_user_cancel(uint64_t what);

TROUPE_USED static uint64_t troupe_block(const char* bytes, size_t size) {
  const uint64_t block = troupe_env_alloc(size);
  size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    uint64_t eight;
    memcpy(&eight, bytes + i, 8);
    troupe_env_store_u64(block + i, eight);
  }
  for (; i < size; i++) troupe_env_store_u8(block + i, (unsigned char)bytes[i]);
  return block;
}

// What the host gave, with a 0 behind it.
TROUPE_USED static char* troupe_take(uint64_t block, size_t* size) {
  const size_t length = block ? (size_t)troupe_env_length(block) : 0;
  char* bytes = (char*)troupe_alloc(length + 1);
  size_t i = 0;
  for (; i + 8 <= length; i += 8) {
    const uint64_t eight = troupe_env_load_u64(block + i);
    memcpy(bytes + i, &eight, 8);
  }
  for (; i < length; i++) bytes[i] = (char)troupe_env_load_u8(block + i);
  bytes[length] = 0;
  if (block) troupe_env_free(block);
  *size = length;
  return bytes;
}

TROUPE_USED static char* troupe_input(size_t* size) {
  const size_t length = (size_t)troupe_env_input_length();
  char* bytes = (char*)troupe_alloc(length + 1);
  size_t i = 0;
  for (; i + 8 <= length; i += 8) {
    const uint64_t eight = troupe_env_input_load_u64(i);
    memcpy(bytes + i, &eight, 8);
  }
  for (; i < length; i++) bytes[i] = (char)troupe_env_input_load_u8(i);
  bytes[length] = 0;
  *size = length;
  return bytes;
}

// Memory until the call ends.
struct troupe_piece {
  struct troupe_piece* before;
  max_align_t memory[];
};
__attribute__((weak)) struct troupe_piece* troupe_pieces;

__attribute__((weak)) void* troupe_alloc(size_t size) {
  struct troupe_piece* piece = (struct troupe_piece*)malloc(sizeof *piece + size);
  if (!piece) __builtin_trap();
  piece->before = troupe_pieces;
  troupe_pieces = piece;
  return piece->memory;
}

// Ends the call with an error, of which the client gets the text: return troupe_fail("too large");
TROUPE_USED static bool troupe_fail(const char* text) {
  troupe_env_error_set(troupe_block(text, strlen(text)));
  return false;
}

// The value of the plugin's configuration; NULL when there is none.
TROUPE_USED static const char* troupe_config(const char* key) {
  size_t size;
  const uint64_t block = troupe_env_config_get(troupe_block(key, strlen(key)));
  return block ? troupe_take(block, &size) : NULL;
}

// Who is called, and by whom: an object with address, version, and when a viewer caused the turn
// viewer {id}, topic and params.
TROUPE_USED static json troupe_self(void) {
  size_t size;
  char* text = troupe_take(troupe_user_self(), &size);
  return json_parse(text, size);
}

TROUPE_USED static void troupe_member(json_writer* out, const char* name, const char* text) {
  json_name(out, name);
  json_put_string(out, text);
}

TROUPE_USED static uint64_t troupe_message(json_writer* out,
                                           const char* name,
                                           const json_writer* value) {
  if (value && value->size) {
    json_name(out, name);
    troupe_put_value(out, value->at, value->size);
  }
  json_end(out);
  return troupe_block(out->at, out->size);
}

// Sends an event to the client whose event this is, after the turn is committed. The detail is a
// JSON object, or NULL.
TROUPE_USED static void troupe_reply(const char* name, const json_writer* detail) {
  json_writer out = json_make();
  json_begin(&out);
  troupe_member(&out, "name", name);
  troupe_user_reply(troupe_message(&out, "detail", detail));
}

// Sends an event to all viewers of this actor, after the turn is committed. The detail is a JSON
// object, or NULL.
TROUPE_USED static void troupe_broadcast(const char* name, const json_writer* detail) {
  json_writer out = json_make();
  json_begin(&out);
  troupe_member(&out, "name", name);
  troupe_user_broadcast(troupe_message(&out, "detail", detail));
}

// Sends an event to all actors that are subscribed to the topic; they get it as handle_message.
TROUPE_USED static void troupe_publish(const char* topic,
                                       const char* event,
                                       const json_writer* payload) {
  json_writer out = json_make();
  json_begin(&out);
  troupe_member(&out, "topic", topic);
  troupe_member(&out, "event", event);
  troupe_user_publish(troupe_message(&out, "payload", payload));
}

// From now on this actor gets what is published to the topic.
TROUPE_USED static void troupe_subscribe(const char* topic) {
  json_writer out = json_make();
  json_begin(&out);
  troupe_member(&out, "topic", topic);
  troupe_user_subscribe(troupe_message(&out, "", NULL));
}

// Sends an event to the actor with that address.
TROUPE_USED static void troupe_send(const char* to, const char* event, const json_writer* payload) {
  json_writer out = json_make();
  json_begin(&out);
  troupe_member(&out, "to", to);
  troupe_member(&out, "event", event);
  troupe_user_send(troupe_message(&out, "payload", payload));
}

// Sends an event to this actor after a time of 10 ms or more. Setting a timer of the same name
// replaces it.
TROUPE_USED static void troupe_timer(const char* name,
                                     int64_t after_ms,
                                     const char* event,
                                     const json_writer* payload) {
  json_writer out = json_make();
  json_begin(&out);
  troupe_member(&out, "name", name);
  json_name(&out, "after_ms");
  json_put_int(&out, after_ms);
  troupe_member(&out, "event", event);
  troupe_user_timer(troupe_message(&out, "payload", payload));
}

// Forgets the timer of that name, if there is one.
TROUPE_USED static void troupe_cancel(const char* name) {
  json_writer out = json_make();
  json_begin(&out);
  troupe_member(&out, "name", name);
  troupe_user_cancel(troupe_message(&out, "", NULL));
}

// ---- Handlers

typedef bool troupe_handler(json payload, json state, json_writer* out);

TROUPE_USED static int32_t troupe_run(troupe_handler* handler) {
  const json none = {NULL, NULL, NULL};
  size_t size;
  char* text = troupe_input(&size);
  json payload = none;
  json state = none;
  bool done = true;
  if (size) {
    const json input = json_parse(text, size);
    if (!json_is(input)) done = troupe_fail("the input is not JSON");
    const bool list = done && *input.at == '[';
    payload = list ? json_first(input) : input;
    if (list && json_is(payload)) state = json_next(payload);
  }
  json_writer out = json_make();
  done = done && handler(payload, state, &out);
  if (done) troupe_env_output_set(troupe_block(out.at, out.size), out.size);
  fflush(stdout);
  while (troupe_pieces) {
    struct troupe_piece* piece = troupe_pieces;
    troupe_pieces = piece->before;
    free(piece);
  }
  return done ? 0 : 1;
}

#define HANDLER(name)                                                     \
  static bool handle_##name(json, json, json_writer*);                    \
  __attribute__((export_name(#name))) int32_t troupe_export_##name(void); \
  int32_t troupe_export_##name(void) {                                    \
    return troupe_run(handle_##name);                                     \
  }                                                                       \
  static bool handle_##name(                                              \
      TROUPE_USED json payload, TROUPE_USED json state, TROUPE_USED json_writer* out)

#ifdef __cplusplus
}
#endif

#endif
