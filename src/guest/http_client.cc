#include "guest/http_client.h"

#include "guest/text.h"

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/execution_context.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <coroutine>
#include <cstring>
#include <limits>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>

namespace troupe::guest {

namespace {

namespace asio = boost::asio;

using SteadyTimer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                               asio::wait_traits<std::chrono::steady_clock>,
                                               asio::io_context::executor_type>;

// Of one shard. Exchanges beyond it wait for a connection; there are never more of them than
// instances at work. It bounds the threads that look up names, too: one for each new connection.
constexpr long connections_max = 256;
constexpr long idle_connections_max = 64;
constexpr long lookup_kept_seconds = 60;

constexpr std::string_view not_public =
    "its host has no public address; a host of this machine or of a private network must be named "
    "in full in allowed_hosts";

template <class... Value>
void set(CURL* easy, CURLoption option, Value... value) {
  // Fails for what this libcurl does not know, which the choice of its version rules out, and when
  // memory runs out.
  if (curl_easy_setopt(easy, option, value...) == CURLE_OUT_OF_MEMORY) throw std::bad_alloc();
}

class Transfer;

// libcurl's side of one shard: which sockets it waits for, and until when.
//
// Belongs to the event loop, as asio's own services do, because it must end with it: idle
// connections and timers are in the loop's hands.
class Client final : public asio::execution_context::service {
 public:
  inline static asio::execution_context::id id;

  explicit Client(asio::io_context& io)
      : service(io), timer_(io.get_executor()), events_(io.get_executor(), make_epoll()) {
    static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
    multi_ = started == CURLE_OK ? curl_multi_init() : nullptr;
    if (multi_ == nullptr) throw std::bad_alloc();
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &Client::watch);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &Client::wake_in);
    curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_MAX_TOTAL_CONNECTIONS, connections_max);
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, idle_connections_max);
    wait_for_events();
  }

  void add(CURL* easy) { curl_multi_add_handle(multi_, easy); }
  void remove(CURL* easy) { curl_multi_remove_handle(multi_, easy); }

 private:
  void shutdown() override {
    curl_multi_cleanup(std::exchange(multi_, nullptr));
    timer_.cancel();
    events_.close();
  }

  static int make_epoll() {
    const int fd = ::epoll_create1(EPOLL_CLOEXEC);
    if (fd < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
    return fd;
  }

  // One descriptor of the loop stands for all sockets: libcurl may close one at any time, and the
  // kernel then forgets it by itself.
  static int watch(CURL*, curl_socket_t socket, int what, void* self, void*) {
    const int epoll = static_cast<Client*>(self)->events_.native_handle();
    epoll_event event{};
    event.data.fd = socket;
    if ((what & CURL_POLL_IN) != 0) event.events |= EPOLLIN;
    if ((what & CURL_POLL_OUT) != 0) event.events |= EPOLLOUT;
    if (what == CURL_POLL_REMOVE) {
      ::epoll_ctl(epoll, EPOLL_CTL_DEL, socket, nullptr);
    } else if (::epoll_ctl(epoll, EPOLL_CTL_MOD, socket, &event) != 0) {
      return ::epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event);
    }
    return 0;
  }

  static int wake_in(CURLM*, long ms, void* self) {
    auto& client = *static_cast<Client*>(self);
    client.timer_.cancel();
    if (ms < 0) return 0;
    client.timer_.expires_after(std::chrono::milliseconds(ms));
    client.timer_.async_wait([&client](const boost::system::error_code& error) {
      if (error) return;
      client.act(CURL_SOCKET_TIMEOUT, 0);
      client.settle();
    });
    return 0;
  }

  void wait_for_events() {
    events_.async_wait(asio::posix::descriptor_base::wait_read,
                       [this](const boost::system::error_code& error) {
                         if (error) return;
                         take_events();
                         wait_for_events();
                       });
  }

  void take_events() {
    std::array<epoll_event, 64> ready;
    const int count = ::epoll_wait(events_.native_handle(), ready.data(), ready.size(), 0);
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = ready[static_cast<std::size_t>(i)];
      int what = 0;
      if ((event.events & (EPOLLIN | EPOLLHUP)) != 0) what |= CURL_CSELECT_IN;
      if ((event.events & EPOLLOUT) != 0) what |= CURL_CSELECT_OUT;
      if ((event.events & EPOLLERR) != 0) what |= CURL_CSELECT_ERR;
      act(event.data.fd, what);
    }
    settle();
  }

  void act(curl_socket_t socket, int what) {
    int running = 0;
    curl_multi_socket_action(multi_, socket, what, &running);
  }

  // Goes on with those whose exchange has ended. They may begin others, and end others.
  void settle();

  CURLM* multi_ = nullptr;
  SteadyTimer timer_;
  asio::posix::basic_stream_descriptor<asio::io_context::executor_type> events_;
};

// One exchange under way, waited for with co_await.
class Transfer {
 public:
  Transfer(Client& client, asio::io_context& io, const HttpExchange& exchange)
      : client_(client), exchange_(exchange), deadline_(io.get_executor(), exchange.deadline) {}
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;
  ~Transfer() {
    if (self_) *self_ = nullptr;
    if (waiter_) client_.remove(easy_.get());
    for (curl_slist* line = lines_; line != nullptr; line = line->next) {
      ::sodium_memzero(line->data, std::strlen(line->data));
    }
    curl_slist_free_all(lines_);
  }

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiter) {
    waiter_ = waiter;
    prepare();
    client_.add(easy_.get());
    // Shared with the timer's handler, which the event loop keeps, perhaps beyond this object.
    self_ = std::make_shared<Transfer*>(this);
    deadline_.async_wait([self = self_](const boost::system::error_code&) {
      if (*self != nullptr) (*self)->end(CURLE_OPERATION_TIMEDOUT);
    });
  }
  HttpResult await_resume() { return std::move(*result_); }

  void end(CURLcode code) {
    client_.remove(easy_.get());
    *self_ = nullptr;
    deadline_.cancel();
    result_ = result_of(code);
    std::exchange(waiter_, nullptr).resume();
  }

 private:
  struct Delete {
    void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
  };

  void prepare();
  HttpResult result_of(CURLcode code);

  static Transfer& of(void* self) { return *static_cast<Transfer*>(self); }
  static std::size_t take_body(char* bytes, std::size_t size, std::size_t count, void* self);
  static std::size_t take_header(char* bytes, std::size_t size, std::size_t count, void* self);
  static curl_socket_t open_socket(void* self, curlsocktype purpose, curl_sockaddr* address);
  static int before_request(void* self, char* remote, char* local, int, int);

  Client& client_;
  const HttpExchange& exchange_;
  SteadyTimer deadline_;
  const std::unique_ptr<CURL, Delete> easy_{curl_easy_init()};
  curl_slist* lines_ = nullptr;
  std::array<char, CURL_ERROR_SIZE> error_text_{};
  std::coroutine_handle<> waiter_;  // null once the exchange has ended
  std::shared_ptr<Transfer*> self_;

  HttpReply reply_;
  std::size_t header_bytes_ = 0;
  std::optional<HttpFailure> failure_;  // why a callback has ended the exchange
  bool address_refused_ = false;
  std::optional<HttpResult> result_;
};

void Client::settle() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
    if (message->msg != CURLMSG_DONE) continue;
    char* transfer = nullptr;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
    reinterpret_cast<Transfer*>(transfer)->end(message->data.result);
  }
}

void Transfer::prepare() {
  CURL* const easy = easy_.get();
  if (easy == nullptr) throw std::bad_alloc();
  set(easy, CURLOPT_PRIVATE, this);
  set(easy, CURLOPT_CURLU, exchange_.url.get());
  set(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  set(easy, CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_1_1});
  set(easy, CURLOPT_FOLLOWLOCATION, 0L);
  set(easy, CURLOPT_SSL_VERIFYPEER, 1L);
  set(easy, CURLOPT_SSL_VERIFYHOST, 2L);
  set(easy, CURLOPT_PROXY, "");
  set(easy, CURLOPT_NOPROXY, "*");
  set(easy, CURLOPT_NETRC, long{CURL_NETRC_IGNORED});
  set(easy, CURLOPT_USERAGENT, "troupe");  // unless the guest sets another
  set(easy, CURLOPT_NOSIGNAL, 1L);
  set(easy, CURLOPT_CONNECTTIMEOUT_MS, long{std::numeric_limits<int>::max()});  // see deadline_
  set(easy, CURLOPT_QUICK_EXIT, 1L);  // a lookup that is no longer wanted is not waited for
  set(easy, CURLOPT_DNS_CACHE_TIMEOUT, lookup_kept_seconds);
  set(easy, CURLOPT_ERRORBUFFER, error_text_.data());
  set(easy, CURLOPT_OPENSOCKETFUNCTION, &Transfer::open_socket);
  set(easy, CURLOPT_OPENSOCKETDATA, this);
  set(easy, CURLOPT_PREREQFUNCTION, &Transfer::before_request);
  set(easy, CURLOPT_PREREQDATA, this);
  set(easy, CURLOPT_WRITEFUNCTION, &Transfer::take_body);
  set(easy, CURLOPT_WRITEDATA, this);
  set(easy, CURLOPT_HEADERFUNCTION, &Transfer::take_header);
  set(easy, CURLOPT_HEADERDATA, this);

  const std::string& method = exchange_.method;
  const std::string_view body = exchange_.body.view();
  const bool says_length = method == "POST" || method == "PUT" || method == "PATCH";
  if (method == "HEAD") {
    set(easy, CURLOPT_NOBODY, 1L);
  } else if (!body.empty() || says_length) {
    set(easy, CURLOPT_POST, 1L);
    set(easy, CURLOPT_POSTFIELDS, body.empty() ? "" : body.data());
    set(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
    set(easy, CURLOPT_CUSTOMREQUEST, method.c_str());
  } else {
    set(easy, CURLOPT_CUSTOMREQUEST, method.c_str());
  }
  // Without a value: libcurl's own are not sent, unless the guest has set them.
  lines_ = curl_slist_append(lines_, "Expect:");
  bool has_type = false;
  for (const SecretText& line : exchange_.headers) {
    const std::string_view text = line.view();
    has_type = has_type || same_but_case(text.substr(0, text.find_first_of(":;")), "content-type");
    SecretText terminated(text);
    terminated.append({"", 1});
    lines_ = curl_slist_append(lines_, terminated.view().data());
  }
  if (!has_type) lines_ = curl_slist_append(lines_, "Content-Type:");
  set(easy, CURLOPT_HTTPHEADER, lines_);
}

std::size_t Transfer::take_body(char* bytes, std::size_t size, std::size_t count, void* self) {
  Transfer& transfer = of(self);
  if (size * count > transfer.exchange_.answer_bytes_max - transfer.reply_.body.size()) {
    transfer.failure_ = HttpFailure{HttpFailure::Kind::too_large, "the answer is too large"};
    return 0;
  }
  transfer.reply_.body.append(bytes, size * count);
  return size * count;
}

std::size_t Transfer::take_header(char* bytes, std::size_t size, std::size_t count, void* self) {
  Transfer& transfer = of(self);
  std::string_view line(bytes, size * count);
  transfer.header_bytes_ += line.size();
  if (transfer.header_bytes_ > HttpExchange::answer_headers_bytes_max) {
    transfer.failure_ = HttpFailure{
        .message = "the answer has more than " +
                   std::to_string(HttpExchange::answer_headers_bytes_max) + " bytes of headers"};
    return 0;
  }
  while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
  // Another answer begins, after one that was only preliminary.
  if (line.starts_with("HTTP/")) transfer.reply_.headers.clear();
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || line.starts_with("HTTP/")) return size * count;
  constexpr std::string_view blank = " \t";
  std::string_view value = line.substr(colon + 1);
  value.remove_prefix(std::min(value.find_first_not_of(blank), value.size()));
  value = value.substr(0, value.find_last_not_of(blank) + 1);
  transfer.reply_.headers.emplace_back(lower_case(line.substr(0, colon)), value);
  return size * count;
}

curl_socket_t Transfer::open_socket(void* self, curlsocktype, curl_sockaddr* wanted) {
  Transfer& transfer = of(self);
  std::optional<asio::ip::address> address;
  if (wanted->family == AF_INET && wanted->addrlen >= sizeof(sockaddr_in)) {
    sockaddr_in at;
    std::memcpy(&at, &wanted->addr, sizeof at);
    address = asio::ip::address_v4(ntohl(at.sin_addr.s_addr));
  } else if (wanted->family == AF_INET6 && wanted->addrlen >= sizeof(sockaddr_in6)) {
    sockaddr_in6 at;
    std::memcpy(&at, &wanted->addr, sizeof at);
    asio::ip::address_v6::bytes_type bytes;
    std::memcpy(bytes.data(), &at.sin6_addr, bytes.size());
    address = asio::ip::address_v6(bytes);
  }
  if (!address || !may_connect(transfer.exchange_.reach, *address)) {
    transfer.address_refused_ = true;
    return CURL_SOCKET_BAD;
  }
  return ::socket(wanted->family, wanted->socktype | SOCK_CLOEXEC, wanted->protocol);
}

// A kept connection may have been opened for a plugin that may connect to more.
int Transfer::before_request(void* self, char* remote, char*, int, int) {
  Transfer& transfer = of(self);
  boost::system::error_code error;
  const asio::ip::address address = asio::ip::make_address(remote, error);
  if (!error && may_connect(transfer.exchange_.reach, address)) return CURL_PREREQFUNC_OK;
  transfer.address_refused_ = true;
  return CURL_PREREQFUNC_ABORT;
}

HttpResult Transfer::result_of(CURLcode code) {
  if (code == CURLE_OK) {
    long status = 0;
    curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
    reply_.status = static_cast<int>(status);
    return std::move(reply_);
  }
  if (code == CURLE_OPERATION_TIMEDOUT) return HttpFailure{HttpFailure::Kind::timeout, "timeout"};
  if (failure_) return *std::move(failure_);
  if (address_refused_ && (code == CURLE_COULDNT_CONNECT || code == CURLE_ABORTED_BY_CALLBACK)) {
    return HttpFailure{.message = std::string(not_public)};
  }
  const std::string_view text = error_text_.data();
  return HttpFailure{.message = text.empty() ? curl_easy_strerror(code) : std::string(text)};
}

}  // namespace

SecretText header_line(std::string_view name, std::string_view value) {
  SecretText line(name);
  // How libcurl is told that a header has no value.
  line.append(value.empty() ? ";" : ": ");
  line.append(value);
  return line;
}

const std::string* HttpReply::redirect() const {
  if (status != 301 && status != 302 && status != 303 && status != 307 && status != 308) {
    return nullptr;
  }
  const auto found = std::ranges::find(
      headers, "location", [](const auto& each) { return std::string_view(each.first); });
  return found == headers.end() ? nullptr : &found->second;
}

Task<HttpResult> exchange(shard::Shard& shard, HttpExchange what) {
  if ((curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_ASYNCHDNS) == 0) {
    co_return HttpFailure{.message =
                              "this libcurl stops the thread while it looks up a name; use one "
                              "with the threaded resolver"};
  }
  Transfer transfer(asio::use_service<Client>(shard.io()), shard.io(), what);
  co_return co_await transfer;
}

}  // namespace troupe::guest
