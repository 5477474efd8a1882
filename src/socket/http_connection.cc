#include "socket/http_connection.h"

#include "base/clock.h"
#include "socket/event_connection.h"
#include "socket/upgrade.h"
#include "socket/websocket_connection.h"
#include "wire/cookie.h"
#include "wire/http_date.h"
#include "wire/problem.h"
#include "wire/session_id.h"
#include "wire/uri.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/websocket/rfc6455.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <exception>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace troupe::socket {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;

namespace {

template <class T>
using Awaitable = asio::awaitable<T, shard::Executor>;
using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>,
                                         shard::Executor>;
using Request = http::request<http::string_body>;
using Parser = http::request_parser<http::string_body>;

constexpr std::size_t header_bytes_usual = 384;  // of a response
// A file is read and sent in pieces of this size; smaller ones leave in one write with their
// header.
constexpr std::size_t piece_bytes = std::size_t{64} << 10;
constexpr std::size_t request_id_letters = 16;

auto awaiting(ErrorCode& error) {
  return asio::redirect_error(asio::use_awaitable_t<shard::Executor>(), error);
}

std::string_view view(beast::string_view text) {
  return {text.data(), text.size()};
}

// The values of a header that may be written in several lines.
std::string joined(const http::fields& fields, beast::string_view name) {
  std::string all;
  const auto [first, last] = fields.equal_range(name);
  for (auto it = first; it != last; ++it) {
    if (!all.empty()) all += ", ";
    all += view(it->value());
  }
  return all;
}

// What of a request its answer depends on.
struct Asked {
  bool is_head = false;
  bool keep_alive = false;
  bool secure = false;  // reached us by TLS
  bool has_session = false;
  wire::OriginVerdict verdict = wire::OriginVerdict::absent;
  std::string origin;
  std::string remote_address;  // after trusted proxies
  std::string if_none_match;
  std::string if_modified_since;
  bool has_problems = false;  // of a route that tells its errors so
  Bound body_bound = Bound::http_body_bytes;
  std::string request_id;
};

class HttpConnection;

// A route's handler may outlive the request and the connection.
class PendingAnswer final : public Exchange {
 public:
  explicit PendingAnswer(HttpConnection& connection) : connection_(&connection) {}

  void answer(wire::Response response) override;
  std::shared_ptr<wire::EventStream> start_events() override;
  // What is answered from now on comes too late.
  void forget() { connection_ = nullptr; }

 private:
  HttpConnection* connection_;
};

class HttpConnection final : public Connection {
 public:
  HttpConnection(Hub& hub, Socket socket, Admission admission, Addresses::Visit visit)
      : Connection(hub),
        socket_(std::move(socket)),
        admission_(admission),
        visit_(std::move(visit)),
        answered_(socket_.get_executor(), Timer::time_point::max()) {}

  // `self` keeps the connection while the coroutine is suspended.
  static Awaitable<void> run(std::shared_ptr<HttpConnection> self);

  void drain() override {
    if (is_between_requests_) abort();
  }
  void abort() override { socket_.close(); }

  void on_answer(wire::Response response);
  std::shared_ptr<wire::EventStream> on_start_events();

 private:
  // What to do about a request: decided by plain functions, done by serve_one().
  struct Nothing {};  // the socket is gone, or has become something else
  struct RouteCall {
    const Route* route;
    wire::Request request;
  };
  using Next = std::variant<Nothing, wire::Response, StaticFile, RouteCall>;

  // False when there is nobody to speak TLS with.
  Awaitable<bool> shake_hands();
  // Handles one request. False when the connection is not to be used for another.
  Awaitable<bool> serve_one();
  Awaitable<bool> read_body(Parser& parser);
  Awaitable<bool> send(wire::Response response);
  Awaitable<bool> send_file(StaticFile file);
  Awaitable<bool> write(std::string bytes);
  // Lets the client read the last answer before the connection is gone.
  Awaitable<void> linger();

  void begin_request();
  bool keeps_alive() const { return asked_.keep_alive && !hub().is_draining(); }
  Asked read_head(const Request& request) const;
  Next on_header(ErrorCode error, const Parser& parser);
  Next decide(const Parser& parser);
  // Holds the body that is to come to the route's bound, or says that it is too large.
  std::optional<wire::Response> bound_body(const Route& route, Parser& parser);
  // An error of the connection itself, as the route that was asked tells its own.
  wire::Response refusal(std::uint16_t status, std::string type, std::string text) const;
  wire::Response refuse_method(const Request& request, std::vector<std::string> methods) const;
  // Becomes a WebSocket, or says why not.
  Next upgrade(const Request& request, std::string_view mount, const wire::Parameters& query);
  void call(RouteCall& call, Parser& parser);
  Next take_answer();

  // Everything before the body. `content_length` is left out where the end of the connection ends
  // the body.
  std::string header(const wire::Response& response,
                     std::optional<std::uint64_t> content_length) const;
  std::string compose(wire::Response response) const;
  wire::Response describe(const StaticFile& file) const;
  bool is_not_modified(std::string_view etag, std::string_view last_modified) const;

  // `bound`: what is counted when the time is over.
  void deadline(std::chrono::milliseconds time, std::optional<Bound> bound) {
    bound_ = bound;
    hub().wheel.set(*this, time);
  }
  void forget_pending();

  // Connection
  void release() override { forget_pending(); }
  void on_timeout() override;

  Socket socket_;
  std::string peer_;  // the address at the other end, once it was asked for
  const Admission admission_;
  Addresses::Visit visit_;
  beast::flat_buffer buffer_;
  Asked asked_;
  std::optional<Bound> bound_;
  bool is_first_request_ = true;
  bool is_between_requests_ = false;

  // Of a route's handler.
  Timer answered_;
  std::shared_ptr<PendingAnswer> pending_;
  std::optional<wire::Response> answer_;
};

void PendingAnswer::answer(wire::Response response) {
  if (connection_ != nullptr) std::exchange(connection_, nullptr)->on_answer(std::move(response));
}

std::shared_ptr<wire::EventStream> PendingAnswer::start_events() {
  if (connection_ == nullptr) return ended_event_stream();
  return std::exchange(connection_, nullptr)->on_start_events();
}

Awaitable<void> HttpConnection::run(std::shared_ptr<HttpConnection> self) {
  bool again = true;
  if (self->socket_.has_tls()) {
    again = co_await self->shake_hands();
  }
  while (again) {
    again = co_await self->serve_one();
  }
  if (self->socket_.is_open()) {
    co_await self->linger();
  }
  self->cancel();
  self->forget_pending();
}

Awaitable<bool> HttpConnection::shake_hands() {
  is_between_requests_ = true;
  deadline(hub().site.limits.request_timeout, Bound::request);
  ErrorCode error;
  co_await socket_.async_handshake(awaiting(error));
  if (!error) co_return true;
  if (!socket_.was_plain_http()) {
    abort();
    co_return false;
  }
  socket_.give_up_tls();
  wire::Response told = text_response(400, "This address speaks TLS: use https:// or wss://.\n");
  co_await send(std::move(told));
  co_return false;
}

Awaitable<bool> HttpConnection::serve_one() {
  begin_request();
  Parser parser;
  parser.header_limit(static_cast<std::uint32_t>(hub().site.limits.header_bytes_max));
  if (hub().site.routes.have_body_bounds()) {
    parser.body_limit(boost::none);  // bound_body() sets the route's
  } else {
    parser.body_limit(hub().site.limits.body_bytes_max);
  }
  ErrorCode error;
  co_await http::async_read_header(socket_, buffer_, parser, awaiting(error));
  Next next = on_header(error, parser);

  if (const auto* call = std::get_if<RouteCall>(&next)) {
    if (auto too_large = bound_body(*call->route, parser)) next = std::move(*too_large);
  }
  if (std::holds_alternative<RouteCall>(next)) {
    const bool complete = co_await read_body(parser);
    if (!complete) co_return false;
    call(std::get<RouteCall>(next), parser);
    if (!answer_ && socket_.is_open()) {
      co_await answered_.async_wait(awaiting(error));
    }
    next = take_answer();
  }
  if (auto* response = std::get_if<wire::Response>(&next))
    co_return co_await send(std::move(*response));
  if (auto* file = std::get_if<StaticFile>(&next)) co_return co_await send_file(std::move(*file));
  co_return false;
}

void HttpConnection::begin_request() {
  const Limits& limits = hub().site.limits;
  asked_ = {};
  answer_.reset();
  is_between_requests_ = true;
  if (std::exchange(is_first_request_, false)) {
    deadline(limits.request_timeout, Bound::request);
  } else {
    deadline(limits.idle_timeout, Bound::idle);
  }
}

HttpConnection::Next HttpConnection::on_header(ErrorCode error, const Parser& parser) {
  is_between_requests_ = false;
  if (!error) return decide(parser);
  if (error == http::error::header_limit) {
    hub().site.bounds.reached(Bound::header_bytes);
    return text_response(431, "The header of this request is too large.\n");
  }
  if (error == http::error::body_limit) {
    hub().site.bounds.reached(asked_.body_bound);
    return refusal(413, "too-large", "The body of this request is too large.");
  }
  const bool is_malformed =
      error.category() == http::make_error_code(http::error::bad_value).category() &&
      error != http::error::end_of_stream && error != http::error::partial_message;
  if (is_malformed) return text_response(400, "This is not a request of HTTP/1.1.\n");
  return Nothing{};
}

std::optional<wire::Response> HttpConnection::bound_body(const Route& route, Parser& parser) {
  const std::size_t max =
      route.body_bytes_max != 0 ? route.body_bytes_max : hub().site.limits.body_bytes_max;
  parser.body_limit(max);
  asked_.body_bound = route.body_bound;
  const auto announced = parser.content_length();
  if (!announced || *announced <= max) return std::nullopt;
  asked_.keep_alive = false;
  hub().site.bounds.reached(route.body_bound);
  return refusal(
      413, "too-large", fmt::format("The body of this request is larger than {} bytes.", max));
}

wire::Response HttpConnection::refusal(std::uint16_t status,
                                       std::string type,
                                       std::string text) const {
  if (!asked_.has_problems) return text_response(status, text + '\n');
  return wire::problem_response({.status = status,
                                 .type = std::move(type),
                                 .detail = std::move(text),
                                 .request_id = asked_.request_id});
}

Asked HttpConnection::read_head(const Request& request) const {
  const Site& site = hub().site;
  Asked asked;
  asked.is_head = request.method() == http::verb::head;
  asked.keep_alive = request.keep_alive() && admission_ == Admission::welcome;
  asked.secure = socket_.has_tls() || (site.trusted_proxies.trust(peer_) &&
                                       view(request["X-Forwarded-Proto"]) == "https");
  asked.has_session =
      wire::is_session(wire::find_cookie(view(request[http::field::cookie]), wire::session_cookie));
  asked.origin = view(request[http::field::origin]);
  asked.verdict = site.origins.judge(asked.origin, view(request[http::field::host]));
  asked.remote_address = site.trusted_proxies.client(peer_, joined(request, "X-Forwarded-For"));
  asked.if_none_match = joined(request, "If-None-Match");
  asked.if_modified_since = view(request[http::field::if_modified_since]);
  return asked;
}

namespace {

wire::Response full_response() {
  wire::Response busy =
      text_response(503, "The server takes no more connections now. Try again.\n");
  busy.headers.emplace_back("Retry-After", "5");
  return busy;
}

}  // namespace

HttpConnection::Next HttpConnection::decide(const Parser& parser) {
  const Site& site = hub().site;
  const Request& request = parser.get();

  if (peer_.empty()) peer_ = socket_.peer();
  if (peer_.empty()) return Nothing{};
  asked_ = read_head(request);
  if (admission_ == Admission::full || hub().is_draining()) return full_response();
  // A body that nobody reads would be taken for the next request. A route's is read.
  const bool keep_alive = std::exchange(asked_.keep_alive, asked_.keep_alive && parser.is_done());

  if (request.method() == http::verb::options && request.target() == "*") {
    return wire::Response{.status = 204};
  }
  auto target = wire::parse_target(view(request.target()));
  if (!target) return text_response(400, "Bad request: " + target.error().message + ".\n");
  if (asked_.verdict == wire::OriginVerdict::refused) hub().log_refused(asked_.origin);

  if (const std::string* mount = site.mount_of(target->path)) {
    return upgrade(request, *mount, target->query);
  }

  const Route* route = site.routes.find(target->path);
  if (route != nullptr) {
    asked_.has_problems = route->has_problems;
    asked_.request_id = hub().random.letters(request_id_letters);
  }
  std::variant<StaticFile, FolderWithoutSlash, NoSuchFile> file = NoSuchFile{};
  if (route == nullptr && site.files) file = site.files->open(target->path);
  const bool is_there = route != nullptr || !std::holds_alternative<NoSuchFile>(file);

  static const std::vector<std::string> of_files{"GET"};
  const std::vector<std::string>& methods = route ? route->methods : of_files;
  const std::string method(asked_.is_head ? "GET" : view(request.method_string()));
  const bool is_allowed = std::find(methods.begin(), methods.end(), method) != methods.end();
  if (request.method() == http::verb::options || (is_there && !is_allowed)) {
    return refuse_method(request, methods);
  }
  if (!is_there) return text_response(404, "There is nothing at this address.\n");
  if (method != "GET" && asked_.verdict == wire::OriginVerdict::refused) {
    return refusal(403, "origin", "Pages of this origin may not do that.");
  }

  if (route != nullptr) {
    wire::Request head{.method = method,
                       .path = std::move(target->path),
                       .query = std::move(target->query),
                       .body = {},
                       .content_type = std::string(view(request[http::field::content_type])),
                       .authorization = std::string(view(request[http::field::authorization])),
                       .host = std::string(view(request[http::field::host])),
                       .origin = asked_.origin,
                       .remote_address = asked_.remote_address,
                       .request_id = asked_.request_id};
    if (route->admit) {
      if (auto refused = route->admit(head)) return std::move(*refused);
    }
    asked_.keep_alive = keep_alive;
    return RouteCall{route, std::move(head)};
  }
  if (std::holds_alternative<FolderWithoutSlash>(file)) {
    const std::string_view raw = view(request.target());
    const std::string_view query = raw.substr(std::min(raw.find('?'), raw.size()));
    wire::Response redirect =
        text_response(308, "This is a folder: its address ends with a slash.\n");
    redirect.headers.emplace_back(
        "Location", fmt::format("{}/{}", wire::percent_encode_path(target->path), query));
    return redirect;
  }
  return std::get<StaticFile>(std::move(file));
}

// 405, or for OPTIONS what may be done; a preflight of an allowed origin learns that it may do it.
wire::Response HttpConnection::refuse_method(const Request& request,
                                             std::vector<std::string> methods) const {
  if (std::find(methods.begin(), methods.end(), "GET") != methods.end())
    methods.emplace_back("HEAD");
  methods.emplace_back("OPTIONS");
  const std::string allowed = fmt::format("{}", fmt::join(methods, ", "));
  const bool is_options = request.method() == http::verb::options;
  wire::Response response =
      is_options ? wire::Response{.status = 204}
                 : refusal(405, "method", fmt::format("This address takes {}.", allowed));
  response.headers.emplace_back("Allow", allowed);
  if (is_options && asked_.verdict == wire::OriginVerdict::allowed) {
    constexpr std::string_view an_hour = "3600";
    response.headers.emplace_back("Access-Control-Allow-Methods", allowed);
    response.headers.emplace_back("Access-Control-Max-Age", an_hour);
    const std::string_view wanted = view(request[http::field::access_control_request_headers]);
    if (!wanted.empty()) response.headers.emplace_back("Access-Control-Allow-Headers", wanted);
  }
  return response;
}

HttpConnection::Next HttpConnection::upgrade(const Request& request,
                                             std::string_view mount,
                                             const wire::Parameters& query) {
  const std::string protocols = joined(request, "Sec-WebSocket-Protocol");
  auto decided = decide_upgrade(
      UpgradeRequest{
          // A client that has sent more than its request has not waited for our answer.
          .is_upgrade = beast::websocket::is_upgrade(request) && buffer_.size() == 0,
          .key = view(request[http::field::sec_websocket_key]),
          .version = view(request[http::field::sec_websocket_version]),
          .protocols = protocols,
          .cookies = view(request[http::field::cookie]),
          .origin = asked_.origin,
          .verdict = asked_.verdict,
          .mount = mount,
          .remote_address = asked_.remote_address,
          .parameters = query,
          .secure = asked_.secure,
      },
      hub().site.session_key);
  if (decided && !visit_) {
    Site& site = hub().site;
    Addresses::Entrance entrance =
        site.addresses->enter(asked_.remote_address, SystemClock().now_ns());
    if (!entrance.is_welcome) {
      site.bounds.reached(Bound::address_connections);
      asked_.keep_alive = false;
      return full_response();
    }
    visit_ = std::move(entrance.visit);
  }
  if (decided) {
    cancel();
    decided->info.address_use = std::move(visit_);
    start_websocket(hub(), std::move(socket_), std::move(*decided));
    return Nothing{};
  }
  const UpgradeRefusal refusal = decided.error();
  asked_.keep_alive = false;
  wire::Response response = text_response(refusal.status, refusal.text);
  if (refusal.status == 426) {
    response.headers.emplace_back("Upgrade", "websocket");
    response.headers.emplace_back("Sec-WebSocket-Version", "13");
  }
  return response;
}

Awaitable<bool> HttpConnection::read_body(Parser& parser) {
  if (parser.is_done()) co_return true;
  if (beast::iequals(parser.get()[http::field::expect], "100-continue")) {
    std::string go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    const bool sent = co_await write(std::move(go_on));
    if (!sent) co_return false;
  }
  deadline(hub().site.limits.request_timeout, Bound::request);
  ErrorCode error;
  co_await http::async_read(socket_, buffer_, parser, awaiting(error));
  if (!error) co_return true;
  asked_.keep_alive = false;
  Next next = on_header(error, parser);
  if (auto* refusal = std::get_if<wire::Response>(&next)) {
    co_await send(std::move(*refusal));
  }
  co_return false;
}

void HttpConnection::call(RouteCall& call, Parser& parser) {
  call.request.body = std::move(parser.get().body());
  pending_ = std::make_shared<PendingAnswer>(*this);
  deadline(hub().site.limits.answer_timeout, Bound::answer);
  call.route->handler(hub().shard, std::move(call.request), Responder(pending_));
}

HttpConnection::Next HttpConnection::take_answer() {
  forget_pending();
  // None: an event stream has taken the socket, or the connection was aborted.
  if (!answer_) return Nothing{};
  return std::move(*answer_);
}

void HttpConnection::on_answer(wire::Response response) {
  answer_ = std::move(response);
  answered_.cancel();
}

std::shared_ptr<wire::EventStream> HttpConnection::on_start_events() {
  asked_.keep_alive = false;
  wire::Response response{.content_type = "text/event-stream"};
  response.headers.emplace_back("Cache-Control", "no-store");
  // Asks nginx to pass on each event as it comes.
  response.headers.emplace_back("X-Accel-Buffering", "no");
  if (asked_.is_head) {
    on_answer(std::move(response));
    return ended_event_stream();
  }
  cancel();
  auto stream = start_event_stream(hub(), std::move(socket_), header(response, std::nullopt));
  answered_.cancel();
  return stream;
}

void HttpConnection::forget_pending() {
  if (pending_) pending_->forget();
  pending_.reset();
}

void HttpConnection::on_timeout() {
  if (bound_) hub().site.bounds.reached(*bound_);
  if (!pending_) return abort();
  forget_pending();
  on_answer(refusal(504, "timeout", "The server did not find an answer in time."));
}

bool HttpConnection::is_not_modified(std::string_view etag, std::string_view last_modified) const {
  if (!asked_.if_none_match.empty()) return wire::etag_matches(asked_.if_none_match, etag);
  return !last_modified.empty() && asked_.if_modified_since == last_modified;
}

std::string HttpConnection::compose(wire::Response response) const {
  const auto etag =
      std::find_if(response.headers.begin(), response.headers.end(), [](const auto& field) {
        return beast::iequals(field.first, "etag");
      });
  if (response.status == 200 && etag != response.headers.end() &&
      is_not_modified(etag->second, "")) {
    response.status = 304;
  }
  const bool has_body = response.status != 204 && response.status != 304;
  std::string bytes = header(
      response, has_body ? std::optional<std::uint64_t>(response.body.size()) : std::nullopt);
  if (has_body && !asked_.is_head) bytes += response.body;
  return bytes;
}

wire::Response HttpConnection::describe(const StaticFile& file) const {
  wire::Response response{.content_type = file.content_type};
  response.headers.emplace_back("ETag", file.etag);
  response.headers.emplace_back("Last-Modified", file.last_modified);
  if (is_not_modified(file.etag, file.last_modified)) response.status = 304;
  return response;
}

Awaitable<bool> HttpConnection::send(wire::Response response) {
  std::string bytes = compose(std::move(response));
  const bool sent = co_await write(std::move(bytes));
  co_return sent&& asked_.keep_alive;
}

Awaitable<bool> HttpConnection::send_file(StaticFile file) {
  const wire::Response response = describe(file);
  const bool has_body = response.status == 200;
  std::string bytes = header(response, has_body ? std::optional(file.size) : std::nullopt);
  std::uint64_t sent = has_body && !asked_.is_head ? 0 : file.size;
  do {
    const auto size =
        static_cast<std::size_t>(std::min<std::uint64_t>(piece_bytes, file.size - sent));
    const auto piece = read_piece(file.descriptor, sent, size);
    if (!piece || piece->size() < size) {
      // The file has become shorter: the client must not take what came for the whole.
      abort();
      co_return false;
    }
    bytes += *piece;
    const bool taken = co_await write(std::move(bytes));
    if (!taken) co_return false;
    bytes.clear();
    sent += size;
  } while (sent < file.size);
  co_return keeps_alive();
}

Awaitable<bool> HttpConnection::write(std::string bytes) {
  deadline(hub().site.limits.write_timeout, Bound::write);
  ErrorCode error;
  co_await asio::async_write(socket_, asio::buffer(bytes), awaiting(error));
  if (error) abort();
  co_return !error;
}

Awaitable<void> HttpConnection::linger() {
  deadline(hub().site.limits.close_timeout, std::nullopt);
  ErrorCode error;
  socket_.end_sending(error);
  std::array<char, 1024> unread;
  while (!error) {
    co_await socket_.async_read_some(asio::buffer(unread), awaiting(error));
  }
  abort();
}

// Written once a second.
const std::string& date_now() {
  struct Second {
    std::time_t time = -1;
    std::string text;
  };
  static thread_local Second last;
  const std::time_t now = std::time(nullptr);
  if (now != last.time) last = {now, wire::http_date(now)};
  return last.text;
}

std::string HttpConnection::header(const wire::Response& response,
                                   std::optional<std::uint64_t> content_length) const {
  const Site& site = hub().site;
  std::string text;
  text.reserve(header_bytes_usual + response.body.size());
  fmt::format_to(std::back_inserter(text),
                 "HTTP/1.1 {} {}\r\n",
                 response.status,
                 view(http::obsolete_reason(http::int_to_status(response.status))));
  bool says_caching = false;
  const auto add = [&](std::string_view name, std::string_view value) {
    text += name;
    text += ": ";
    const std::size_t begin = text.size();
    text += value;
    // A line break would let a value write headers of its own.
    std::replace_if(
        text.begin() + static_cast<std::ptrdiff_t>(begin),
        text.end(),
        [](char c) { return static_cast<unsigned char>(c) < ' '; },
        ' ');
    text += "\r\n";
  };
  add("Date", date_now());
  add("Server", "troupe");
  if (!response.content_type.empty()) add("Content-Type", response.content_type);
  if (content_length) add("Content-Length", fmt::format("{}", *content_length));
  add("Connection", keeps_alive() ? "keep-alive" : "close");
  add("X-Content-Type-Options", "nosniff");
  for (const auto& [name, value] : response.headers) {
    add(name, value);
    says_caching = says_caching || beast::iequals(name, "cache-control");
  }
  // Kept by a browser, but asked for again each time: an ETag makes that cheap.
  if (!says_caching) add("Cache-Control", "no-cache");
  if (!site.origins.empty()) add("Vary", "Origin");
  if (asked_.verdict == wire::OriginVerdict::allowed) {
    add("Access-Control-Allow-Origin", asked_.origin);
  }
  if (response.content_type.starts_with("text/html") && !asked_.has_session &&
      !site.mounts.empty()) {
    add("Set-Cookie", session_set_cookie(wire::new_session(), asked_.secure));
  }
  text += "\r\n";
  return text;
}

}  // namespace

void start_http(Hub& hub, Socket socket, Admission admission, Addresses::Visit visit) {
  const auto executor = socket.get_executor();
  auto connection =
      std::make_shared<HttpConnection>(hub, std::move(socket), admission, std::move(visit));
  asio::co_spawn(
      executor, HttpConnection::run(std::move(connection)), [](std::exception_ptr failure) {
        // Expected failures are values: this is a bug of ours.
        if (failure) std::rethrow_exception(failure);
      });
}

}  // namespace troupe::socket
