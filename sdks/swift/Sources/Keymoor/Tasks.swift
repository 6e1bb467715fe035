/// Runs work to its end even if the caller is cancelled meanwhile.
func uncancelled<T: Sendable>(_ work: @escaping @Sendable () async throws -> T) async throws -> T {
    try await Task(operation: work).value
}

/// Runs one piece of work at a time, in the order of the calls.
actor Queue {
    private var last: Task<Void, Never>?

    func run<T: Sendable>(_ work: @escaping @Sendable () async throws -> T) async throws -> T {
        let before = last
        let task = Task {
            await before?.value
            try Task.checkCancellation()
            return try await work()
        }
        last = Task { _ = await task.result }
        return try await withTaskCancellationHandler {
            try await task.value
        } onCancel: {
            task.cancel()
        }
    }
}

/// Runs work once for all concurrent callers with one name. It is cancelled when the last of them is.
actor Sharing<Value: Sendable> {
    private struct Shared {
        let number: Int
        let task: Task<Void, Never>
        var waiting: [Int: CheckedContinuation<Value, any Error>] = [:]
    }

    private var running: [String: Shared] = [:]
    private var numbers = 0

    func run(_ name: String, _ work: @escaping @Sendable () async throws -> Value) async throws -> Value {
        numbers += 1
        let caller = numbers
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                // `leave` comes later than this, or the task shows that it came.
                if Task.isCancelled { return continuation.resume(throwing: CancellationError()) }
                if running[name] == nil { running[name] = start(name, caller, work) }
                running[name]?.waiting[caller] = continuation
            }
        } onCancel: {
            Task { await self.leave(name, caller) }
        }
    }

    /// How many callers wait.
    func waiting(_ name: String) -> Int { running[name]?.waiting.count ?? 0 }

    private func start(_ name: String, _ number: Int, _ work: @escaping @Sendable () async throws -> Value) -> Shared {
        let task = Task {
            let result: Result<Value, any Error>
            do { result = .success(try await work()) } catch { result = .failure(error) }
            end(name, number, result)
        }
        return Shared(number: number, task: task)
    }

    private func end(_ name: String, _ number: Int, _ result: Result<Value, any Error>) {
        guard let shared = running[name], shared.number == number else { return }
        running[name] = nil
        for waiting in shared.waiting.values { waiting.resume(with: result) }
    }

    private func leave(_ name: String, _ caller: Int) {
        guard let waiting = running[name]?.waiting.removeValue(forKey: caller) else { return }
        waiting.resume(throwing: CancellationError())
        if running[name]?.waiting.isEmpty ?? false { running.removeValue(forKey: name)?.task.cancel() }
    }
}
