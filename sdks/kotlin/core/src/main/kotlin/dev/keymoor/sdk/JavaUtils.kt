package dev.keymoor.sdk

/** For Java, which can't read a Kotlin `Result`. */
public object JavaUtils {
    /**
     * Converts what a callback receives.
     *
     * @param result A Kotlin `Result`. Java sees it as an object: as a `Result<T>` it would be boxed once more.
     */
    @JvmStatic
    @Suppress("UNCHECKED_CAST")
    public fun <T> toJavaResult(result: Any): JavaResult<T> = (result as Result<T>).fold(
        { JavaResult(JavaResult.SUCCESS, it, null) },
        { JavaResult(JavaResult.FAILURE, null, it) },
    )
}

/** The outcome of a call, for Java. */
public class JavaResult<T> internal constructor(
    /** [SUCCESS] or [FAILURE]. */
    public val type: Int,
    /** The value of a success. */
    public val data: T?,
    /** The reason of a failure: a [KeymoorException]. */
    public val error: Throwable?,
) {
    public companion object {
        /** The call succeeded. */
        public const val SUCCESS: Int = 0

        /** The call failed. */
        public const val FAILURE: Int = 1
    }
}
