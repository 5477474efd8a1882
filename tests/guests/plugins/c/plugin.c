// What the tests of the kits call, in C.
#include "troupe.h"

static json_writer detail(const char *text, int n) {
  json_writer out = json_make();
  json_begin(&out);
  json_name(&out, "text");
  json_put_string(&out, text);
  json_name(&out, "n");
  json_put_int(&out, n);
  json_end(&out);
  return out;
}

static bool put_text(json_writer *out, const char *text) {
  json_begin(out);
  json_name(out, "text");
  json_put_string(out, text);
  json_end(out);
  return true;
}

HANDLER(init) {
  return put_text(out, "");
}

HANDLER(tell) {
  const char *text;
  if (!json_string(json_get(payload, "text"), &text, NULL)) return troupe_fail("text must be a string");
  const json_writer first = detail(text, 1);
  const json_writer second = detail(text, 2);
  troupe_reply("told", &first);
  troupe_broadcast("all", &second);
  return put_text(out, text);
}

HANDLER(who) {
  const json self = troupe_self();
  const char *address = "";
  const char *topic = "";
  json_string(json_get(self, "address"), &address, NULL);
  json_string(json_get(self, "topic"), &topic, NULL);
  char *text = troupe_alloc(strlen(address) + strlen(topic) + 2);
  sprintf(text, "%s %s", address, topic);
  return put_text(out, text);
}

HANDLER(later) {
  const json what = json_get(payload, "text");
  const json_writer three = detail("ü", 3);
  if (json_equals(what, "publish")) {
    troupe_publish("news", "flash", &three);
  } else if (json_equals(what, "subscribe")) {
    troupe_subscribe("news");
  } else if (json_equals(what, "send")) {
    const char *address = "";
    json_string(json_get(troupe_self(), "address"), &address, NULL);
    troupe_send(address, "ticked", &three);
  } else if (json_equals(what, "timer")) {
    troupe_timer("tick", 50, "ticked", &three);
  } else if (json_equals(what, "cancel")) {
    troupe_cancel("tick");
  } else {
    return troupe_fail("there is no such thing");
  }
  json_put(out, state);
  return true;
}

static bool put_words(json_writer *out, const char *first, const char *second, json third) {
  const char *text = "";
  json_string(third, &text, NULL);
  char *all = troupe_alloc(strlen(first) + strlen(second) + strlen(text) + 3);
  sprintf(all, "%s%s%s %s", first, *second ? " " : "", second, text);
  return put_text(out, all);
}

HANDLER(ticked) {
  return put_words(out, "ticked", "", json_get(payload, "text"));
}

HANDLER(handle_message) {
  const char *topic = "";
  const char *event = "";
  json_string(json_get(payload, "topic"), &topic, NULL);
  json_string(json_get(payload, "event"), &event, NULL);
  return put_words(out, topic, event, json_get(json_get(payload, "payload"), "text"));
}

HANDLER(crash) {
  json_put_int(out, *(volatile int *)0xfffffff0u);
  return true;
}

HANDLER(sumAll) {
  int64_t sum = 0;
  for (json each = json_first(payload); json_is(each); each = json_next(each)) {
    int64_t number;
    if (!json_int(each, &number)) return troupe_fail("every element must be a whole number");
    sum += number;
  }
  json_put_int(out, sum);
  return true;
}
