package dev.keymoor.sdk.jvm;

import dev.keymoor.sdk.BindPasskeyResponse;
import dev.keymoor.sdk.EmbeddedSdk;
import dev.keymoor.sdk.JavaResult;
import dev.keymoor.sdk.JavaUtils;
import java.util.concurrent.CompletableFuture;
import kotlin.Unit;

/** Calls the SDK as an application in Java does. */
final class JavaCaller {
    CompletableFuture<JavaResult<BindPasskeyResponse>> bind(String link) {
        CompletableFuture<JavaResult<BindPasskeyResponse>> future = new CompletableFuture<>();
        EmbeddedSdk.bindPasskey(link, result -> {
            JavaResult<BindPasskeyResponse> answer = JavaUtils.toJavaResult(result);
            if (answer.getType() == JavaResult.SUCCESS) {
                // Reading it proves that it is the value itself, not another Result.
                answer.getData().getPasskey().getId();
            }
            future.complete(answer);
            return Unit.INSTANCE;
        });
        return future;
    }
}
