// Threads that share pieces of work: the caller works too, is told of progress, and can stop the others.
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <functional>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "stlfast/abi.hpp"

namespace STLFAST_NAMESPACE {

// Called from the calling thread, several times a second, with how much is done; throws to stop. May be empty.
using SweepProgress = std::function<void(Eigen::Index)>;

class Crew {
  public:
    explicit Crew(const SweepProgress& progress) : progress_(progress) {}

    // work(piece, state) for each piece in [0, pieces), with a State for each thread. The first exception ends it all.
    template <class State, class Work>
    void run(Eigen::Index pieces, int threads, const Work& work) {
        caller_ = std::this_thread::get_id();
        const auto shift = [&] {
            State state;
            for (Eigen::Index k = next_++; k < pieces && !stop_; k = next_++) {
                try {
                    work(k, state);
                } catch (...) {
                    const std::lock_guard<std::mutex> lock(mutex_);
                    if (!failure_) failure_ = std::current_exception();
                    stop_ = true;
                }
            }
            const std::lock_guard<std::mutex> lock(mutex_);
            ++finished_;
            changed_.notify_one();
        };
        std::vector<std::thread> others;
        try {
            for (Eigen::Index k = 1; k < std::min<Eigen::Index>(threads, pieces); ++k) others.emplace_back(shift);
        } catch (const std::system_error&) {  // as many as the system grants
        }
        shift();
        wait(others.size() + 1);
        for (auto& thread : others) thread.join();
        if (failure_) std::rethrow_exception(failure_);
    }

    bool stopped() const { return stop_; }

    // To be called by `work` now and then: `more` is done.
    void advance(Eigen::Index more) {
        done_ += more;
        if (std::this_thread::get_id() == caller_) report();
    }

  private:
    using Clock = std::chrono::steady_clock;
    static constexpr auto between_reports = std::chrono::milliseconds(50);

    void report() {
        const auto now = Clock::now();
        if (now - last_report_ < between_reports) return;
        last_report_ = now;
        if (progress_) progress_(done_);
    }

    // For the other threads, while the caller can still interrupt them.
    void wait(std::size_t threads) {
        std::unique_lock<std::mutex> lock(mutex_);
        while (finished_ < threads) {
            changed_.wait_for(lock, between_reports);
            if (finished_ == threads || stop_) continue;
            lock.unlock();
            try {
                report();
            } catch (...) {
                failure_ = std::current_exception();
                stop_ = true;
            }
            lock.lock();
        }
    }

    const SweepProgress& progress_;
    std::thread::id caller_;
    Clock::time_point last_report_ = Clock::now();
    std::atomic<Eigen::Index> next_{0}, done_{0};
    std::atomic<bool> stop_{false};
    std::mutex mutex_;  // of what follows
    std::condition_variable changed_;
    std::size_t finished_ = 0;
    std::exception_ptr failure_;
};

}  // namespace STLFAST_NAMESPACE
