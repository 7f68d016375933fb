// Makes HTTP requests by libcurl's multi interface, as in its example 10-at-a-time.c: curl_multi_perform,
// curl_multi_poll, and a handle that is done is used for the next request, by which connections are kept, too.
//   http_client-curl many URL COUNT AT_ONCE   |   http_client-curl download URL BYTES
#include <curl/curl.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <stdexcept>
#include <string>
#include <string_view>

namespace {

constexpr std::string_view expected = "hello, world, from a server that has little to say\n";

CURLM* multi_handle() {
  static CURLM* const only = curl_multi_init();
  return only;
}

CURL* handle_for(const char* url, curl_write_callback take, void* into) {
  CURL* const made = curl_easy_init();
  curl_easy_setopt(made, CURLOPT_URL, url);
  curl_easy_setopt(made, CURLOPT_WRITEFUNCTION, take);
  curl_easy_setopt(made, CURLOPT_WRITEDATA, into);
  return made;
}

std::size_t keep(char* data, std::size_t, std::size_t size, void* into) {
  static_cast<std::string*>(into)->append(data, size);
  return size;
}

std::size_t count_only(char*, std::size_t, std::size_t size, void* into) {
  *static_cast<std::uint64_t*>(into) += size;
  return size;
}

void require(bool right) {
  if (!right) throw std::runtime_error{"a request failed"};
}

struct request {
  CURL* handle = nullptr;
  std::string body;
};

// Waits for the transfers that were added, and calls `done` with each that is finished.
template <class Done>
void perform(Done done) {
  for (int running = 1; running > 0;) {
    require(curl_multi_perform(multi_handle(), &running) == CURLM_OK);
    int left = 0;
    while (const CURLMsg* const message = curl_multi_info_read(multi_handle(), &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      CURL* const handle = message->easy_handle;
      require(message->data.result == CURLE_OK);
      long status = 0;
      curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
      require(status == 200);
      curl_multi_remove_handle(multi_handle(), handle);
      if (done(handle)) running = 1;
    }
    if (running > 0) require(curl_multi_poll(multi_handle(), nullptr, 0, 1000, nullptr) == CURLM_OK);
  }
}

void make_many(const char* url, long count, long at_once) {
  std::deque<request> requests(static_cast<std::size_t>(at_once));
  long begun = 0;
  for (auto& each : requests) {
    each.handle = handle_for(url, keep, &each.body);
    curl_easy_setopt(each.handle, CURLOPT_PRIVATE, &each);
    if (begun++ < count) curl_multi_add_handle(multi_handle(), each.handle);
  }
  begun = at_once;
  perform([&](CURL* handle) {
    char* whose = nullptr;
    curl_easy_getinfo(handle, CURLINFO_PRIVATE, &whose);
    auto& body = reinterpret_cast<request*>(whose)->body;
    require(body == expected);
    body.clear();
    if (begun >= count) return false;
    ++begun;
    curl_multi_add_handle(multi_handle(), handle);
    return true;
  });
}

void download(const char* url, std::uint64_t bytes) {
  std::uint64_t received = 0;
  curl_multi_add_handle(multi_handle(), handle_for(url, count_only, &received));
  perform([](CURL*) { return false; });
  require(received == bytes);
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 4) return 2;
  curl_global_init(CURL_GLOBAL_DEFAULT);
  try {
    if (std::string_view{arguments[1]} == "many" && count > 4) {
      make_many(arguments[2], std::atol(arguments[3]), std::atol(arguments[4]));
    } else {
      download(arguments[2], std::strtoull(arguments[3], nullptr, 10));
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "http_client-curl: %s\n", error.what());
    return 1;
  }
}
