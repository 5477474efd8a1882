// Extism memory: a second memory that the core reads and writes by host functions, eight bytes at a
// time.
#include "core.h"

#include <stdlib.h>
#include <string.h>

#define KERNEL(name) IMPORT("extism:host/env", name)
KERNEL("input_length") uint64_t kernel_input_length(void);
KERNEL("input_load_u8") uint32_t kernel_input_load_u8(uint64_t offset);
KERNEL("input_load_u64") uint64_t kernel_input_load_u64(uint64_t offset);
KERNEL("length") uint64_t kernel_length(Handle block);
KERNEL("alloc") Handle kernel_alloc(uint64_t size);
KERNEL("free") void kernel_free(Handle block);
KERNEL("load_u8") uint32_t kernel_load_u8(uint64_t address);
KERNEL("load_u64") uint64_t kernel_load_u64(uint64_t address);
KERNEL("store_u8") void kernel_store_u8(uint64_t address, uint32_t value);
KERNEL("store_u64") void kernel_store_u64(uint64_t address, uint64_t value);
KERNEL("output_set") void kernel_output_set(uint64_t address, uint64_t size);

Handle block_from(const void* data, size_t size) {
  Handle block = kernel_alloc(size);
  if (block == 0) return 0;
  const uint8_t* bytes = data;
  size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    uint64_t word;
    memcpy(&word, bytes + i, 8);
    kernel_store_u64(block + i, word);
  }
  for (; i < size; i++) kernel_store_u8(block + i, bytes[i]);
  return block;
}

Handle block_from_string(JSContext* ctx, JSValueConst value) {
  size_t size;
  const char* text = JS_ToCStringLen(ctx, &size, value);
  if (!text) return 0;
  // An empty block does not exist in Extism; callers for whom empty text has a meaning look before
  // they call.
  Handle block = block_from(text, size);
  JS_FreeCString(ctx, text);
  if (block == 0 && size != 0)
    JS_ThrowInternalError(ctx, "the host has no room for %zu bytes", size);
  if (block == 0 && size == 0) JS_ThrowTypeError(ctx, "the text must not be empty");
  return block;
}

char* block_read(Handle block, size_t* size) {
  *size = (size_t)kernel_length(block);
  char* bytes = malloc(*size + 1);
  if (!bytes) return NULL;
  size_t i = 0;
  for (; i + 8 <= *size; i += 8) {
    uint64_t word = kernel_load_u64(block + i);
    memcpy(bytes + i, &word, 8);
  }
  for (; i < *size; i++) bytes[i] = (char)kernel_load_u8(block + i);
  bytes[*size] = 0;
  return bytes;
}

char* input_read(size_t* size) {
  *size = (size_t)kernel_input_length();
  char* bytes = malloc(*size + 1);
  if (!bytes) return NULL;
  size_t i = 0;
  for (; i + 8 <= *size; i += 8) {
    uint64_t word = kernel_input_load_u64(i);
    memcpy(bytes + i, &word, 8);
  }
  for (; i < *size; i++) bytes[i] = (char)kernel_input_load_u8(i);
  bytes[*size] = 0;
  return bytes;
}

JSValue block_take_string(JSContext* ctx, Handle block) {
  size_t size;
  char* bytes = block_read(block, &size);
  kernel_free(block);
  if (!bytes) return JS_ThrowOutOfMemory(ctx);
  JSValue text = JS_NewStringLen(ctx, bytes, size);
  free(bytes);
  return text;
}

bool output_write(JSContext* ctx, const void* data, size_t size) {
  Handle block = block_from(data, size);
  if (block == 0 && size != 0) {
    JS_ThrowInternalError(ctx, "the host has no room for an output of %zu bytes", size);
    return false;
  }
  kernel_output_set(block, size);
  return true;
}
