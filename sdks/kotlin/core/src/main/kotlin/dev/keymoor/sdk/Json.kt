package dev.keymoor.sdk

import java.nio.ByteBuffer

/** Bodies and request JWTs are a few kilobytes. */
internal const val MAX_JSON_BYTES = 65_536
private const val MAX_DEPTH = 32

internal class JsonException(message: String) : Exception(message)

/**
 * Reads JSON (RFC 8259) that everybody reads alike: UTF-8 without a byte order mark, no member twice in an object, no
 * infinite number, no half of a surrogate pair, no U+0000, at most 32 levels.
 *
 * Objects are maps, lists are lists, numbers are [Double].
 */
internal fun parseJson(bytes: ByteArray, maxBytes: Int = MAX_JSON_BYTES): Any? {
    if (bytes.size > maxBytes) throw JsonException("too long")
    return JsonReader(decodeUtf8(ByteBuffer.wrap(bytes)) ?: throw JsonException("not UTF-8")).read()
}

private class JsonReader(private val text: String) {
    private var at = 0
    private var depth = 0

    fun read(): Any? {
        val value = value()
        skipSpace()
        if (at < text.length) throw unexpected()
        return value
    }

    private fun unexpected() = JsonException("unexpected text at character $at")

    private fun skipSpace() {
        while (at < text.length && text[at] in " \t\r\n") at++
    }

    private fun peek(): Char {
        skipSpace()
        return text.getOrNull(at) ?: throw unexpected()
    }

    private fun take(char: Char) {
        if (peek() != char) throw unexpected()
        at++
    }

    private fun value(): Any? = when (peek()) {
        '{' -> nested(::obj)
        '[' -> nested(::list)
        '"' -> string()
        't' -> word("true", true)
        'f' -> word("false", false)
        'n' -> word("null", null)
        else -> number()
    }

    private fun <T> nested(read: () -> T): T {
        if (++depth > MAX_DEPTH) throw JsonException("too deep")
        return read().also { depth-- }
    }

    private fun <T> word(word: String, value: T): T {
        if (!text.startsWith(word, at)) throw unexpected()
        at += word.length
        return value
    }

    private fun obj(): Map<String, Any?> {
        val members = LinkedHashMap<String, Any?>()
        items('{', '}') {
            if (peek() != '"') throw unexpected()
            val name = string()
            if (name in members) throw JsonException("a member twice")
            take(':')
            members[name] = value()
        }
        return members
    }

    private fun list(): List<Any?> {
        val items = ArrayList<Any?>()
        items('[', ']') { items.add(value()) }
        return items
    }

    private fun items(open: Char, close: Char, item: () -> Unit) {
        take(open)
        if (peek() == close) {
            at++
            return
        }
        while (true) {
            item()
            if (peek() == close) break
            take(',')
        }
        at++
    }

    private fun number(): Double {
        val found = NUMBER.find(text, at)?.takeIf { it.range.first == at } ?: throw unexpected()
        at = found.range.last + 1
        return found.value.toDouble().also { if (it.isInfinite()) throw JsonException("a number too large") }
    }

    private fun string(): String {
        take('"')
        val result = StringBuilder()
        while (true) {
            val char = text.getOrNull(at++) ?: throw unexpected()
            when {
                char == '"' -> break
                char == '\\' -> result.append(escape())
                char < ' ' -> throw unexpected()
                else -> result.append(char)
            }
        }
        return result.toString().also(::requireWellFormed)
    }

    private fun escape(): Char {
        val char = text.getOrNull(at++) ?: throw unexpected()
        if (char == 'u') {
            val digits = text.substring(at, minOf(at + 4, text.length))
            if (!HEX.matches(digits)) throw unexpected()
            at += 4
            return digits.toInt(16).toChar()
        }
        val index = "\"\\/bfnrt".indexOf(char)
        if (index < 0) throw unexpected()
        return "\"\\/\b\u000c\n\r\t"[index]
    }

    private companion object {
        val NUMBER = Regex("""-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?""")
        val HEX = Regex("[0-9a-fA-F]{4}")
    }
}

private fun requireWellFormed(text: String) {
    var at = 0
    while (at < text.length) {
        val char = text[at]
        val isPair = char.isHighSurrogate() && at + 1 < text.length && text[at + 1].isLowSurrogate()
        if (char == '\u0000' || (char.isSurrogate() && !isPair)) throw JsonException("an ambiguous text")
        at += if (isPair) 2 else 1
    }
}

/** Writes maps, iterables, texts, numbers, booleans and null. */
internal fun writeJson(value: Any?): String = buildString { appendJson(value) }

private fun StringBuilder.appendJson(value: Any?) {
    when (value) {
        is Map<*, *> -> appendItems('{', '}', value.entries) { (name, member) ->
            appendText(name as String)
            append(':')
            appendJson(member)
        }
        is Iterable<*> -> appendItems('[', ']', value) { appendJson(it) }
        is String -> appendText(value)
        else -> append(value)
    }
}

private fun <T> StringBuilder.appendItems(open: Char, close: Char, items: Iterable<T>, write: (T) -> Unit) {
    append(open)
    items.forEachIndexed { index, item ->
        if (index > 0) append(',')
        write(item)
    }
    append(close)
}

private fun StringBuilder.appendText(text: String) {
    append('"')
    for (char in text) {
        when {
            char == '"' || char == '\\' -> append('\\').append(char)
            char < ' ' -> append("\\u%04x".format(char.code))
            else -> append(char)
        }
    }
    append('"')
}

/** Reads a JSON object member by member, and says which one isn't as the protocol has it. */
internal class Fields(value: Any?, private val path: String, private val code: ErrorCode) {
    @Suppress("UNCHECKED_CAST")
    val members: Map<String, Any?> = value as? Map<String, Any?> ?: mismatch("an object")

    fun has(name: String): Boolean = members[name] != null

    fun obj(name: String): Fields = Fields(members[name], "$path.$name", code)

    fun string(name: String): String = members[name] as? String ?: mismatch("a string", name)

    fun optionalString(name: String): String? = if (has(name)) string(name) else null

    fun number(name: String): Double = members[name] as? Double ?: mismatch("a number", name)

    fun objects(name: String): List<Fields> {
        val items = members[name] as? List<*> ?: mismatch("a list", name)
        return items.mapIndexed { index, item -> Fields(item, "$path.$name[$index]", code) }
    }

    private fun mismatch(expected: String, name: String? = null): Nothing =
        fail(code, "$path${if (name == null) "" else ".$name"} isn't $expected")
}
