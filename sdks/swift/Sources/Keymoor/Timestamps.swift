import Foundation

// RFC 3339 in UTC. Foundation's formatters disagree between systems on fractions of a second.

/// Writes milliseconds since 1970 as `2026-11-21T00:00:00.000Z`.
func timestamp(_ ms: Int64) -> String {
    let day = floorDivide(ms, 86_400_000)
    let ofDay = ms - day * 86_400_000
    let (year, month, dayOfMonth) = civil(day)
    let pad = { (value: Int64, width: Int) in
        String(repeating: "0", count: max(0, width - String(value).count)) + String(value)
    }
    let date = "\(pad(year, 4))-\(pad(month, 2))-\(pad(dayOfMonth, 2))"
    let (hour, minute) = (ofDay / 3_600_000, ofDay / 60_000 % 60)
    return "\(date)T\(pad(hour, 2)):\(pad(minute, 2)):\(pad(ofDay / 1_000 % 60, 2)).\(pad(ofDay % 1_000, 3))Z"
}

/// Reads milliseconds since 1970 of an RFC 3339 text in UTC, or nothing where it is something else.
func milliseconds(_ text: String) -> Int64? {
    let bytes = Array(text.utf8)
    guard bytes.count >= 20, bytes.last == UInt8(ascii: "Z") else { return nil }
    let separators: [(Int, Character)] = [(4, "-"), (7, "-"), (10, "T"), (13, ":"), (16, ":")]
    guard separators.allSatisfy({ bytes[$0.0] == $0.1.asciiValue }) else { return nil }
    let number = { (range: Range<Int>) -> Int64? in
        guard bytes[range].allSatisfy({ 0x30...0x39 ~= $0 }) else { return nil }
        return Int64(String(decoding: bytes[range], as: UTF8.self))
    }
    guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10), let hour = number(11..<13),
        let minute = number(14..<16), let second = number(17..<19), 1...12 ~= month, 1...31 ~= day, hour < 24,
        minute < 60, second <= 60
    else { return nil }
    var fraction: Int64 = 0
    if bytes.count > 20 {
        let digits = bytes[20..<bytes.count - 1]
        guard bytes[19] == UInt8(ascii: "."), !digits.isEmpty, digits.allSatisfy({ 0x30...0x39 ~= $0 }) else {
            return nil
        }
        let three = digits.prefix(3) + Array(repeating: UInt8(ascii: "0"), count: max(0, 3 - digits.count))
        fraction = Int64(String(decoding: three, as: UTF8.self)) ?? 0
    }
    let seconds = ((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second
    return seconds * 1_000 + fraction
}

func date(_ ms: Int64) -> Date { Date(timeIntervalSince1970: Double(ms) / 1_000) }

func floorDivide(_ value: Int64, _ by: Int64) -> Int64 {
    let quotient = value / by
    return value % by < 0 ? quotient - 1 : quotient
}

/// Days since 1970 of a date of the Gregorian calendar. Years begin in March here, so that leap days end them.
private func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
    let shifted = month <= 2 ? year - 1 : year
    let era = floorDivide(shifted, 400)
    let yearOfEra = shifted - era * 400
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
}

private func civil(_ day: Int64) -> (Int64, Int64, Int64) {
    let shifted = day + 719_468
    let era = floorDivide(shifted, 146_097)
    let ofEra = shifted - era * 146_097
    let yearOfEra = (ofEra - ofEra / 1_460 + ofEra / 36_524 - ofEra / 146_096) / 365
    let ofYear = ofEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * ofYear + 2) / 153
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    return (year, month, ofYear - (153 * shiftedMonth + 2) / 5 + 1)
}
