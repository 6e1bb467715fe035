//! Traces by OTLP over HTTP: the only module that uses OpenTelemetry.
//!
//! The exported spans are those of the log, and their events are its lines. They contain paths
//! without query and no secrets. If the collector is slow or down, spans are lost and nothing waits.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use axum::body::Bytes;
use hyper::{Request, Response};
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::hyper::HyperClient;
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use tokio::runtime::Handle;
use tracing::Subscriber;
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::registry::LookupSpan;
use url::Url;

use crate::config::{Config, ConfigError};

const TIMEOUT: Duration = Duration::from_secs(10);

/// The exporter of spans, if configured.
pub(super) struct Traces(Option<SdkTracerProvider>);

impl Traces {
    /// Sends what has not been sent yet. Blocks for up to `TIMEOUT`, so it must not be called from
    /// within the runtime.
    pub(super) fn finish(self) {
        if let Some(provider) = self.0
            && let Err(error) = provider.shutdown_with_timeout(TIMEOUT)
        {
            tracing::warn!(%error, "failed to send the last traces");
        }
    }
}

type Layer<S> = Option<OpenTelemetryLayer<S, SdkTracer>>;

/// # Errors
/// When traces can't be sent to the endpoint.
pub(super) fn start<S>(config: &Config, runtime: &Handle) -> Result<(Layer<S>, Traces), ConfigError>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let Some(endpoint) = &config.otlp_endpoint else {
        return Ok((None, Traces(None)));
    };
    let provider = provider(endpoint, runtime)
        .map_err(|error| ConfigError::new(format!("KEYMOOR_OTLP_ENDPOINT: {error}")))?;
    let layer = OpenTelemetryLayer::new(provider.tracer("keymoor"));
    Ok((Some(layer), Traces(Some(provider))))
}

fn provider(endpoint: &Url, runtime: &Handle) -> Result<SdkTracerProvider, String> {
    if endpoint.scheme() != "http" {
        return Err(
            "must be an http URL; for https, run a collector on this machine that forwards traces"
                .to_owned(),
        );
    }
    let client = OnRuntime {
        client: HyperClient::with_default_connector(TIMEOUT, None),
        runtime: runtime.clone(),
    };
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(client)
        .with_endpoint(endpoint.as_str())
        .with_timeout(TIMEOUT)
        .build()
        .map_err(|error| error.to_string())?;
    let resource = Resource::builder()
        .with_service_name("keymoor")
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    Ok(SdkTracerProvider::builder()
        .with_resource(resource)
        .with_batch_exporter(exporter)
        .build())
}

/// An HTTP client for a thread outside the runtime, which sends on the server's runtime.
struct OnRuntime {
    client: HyperClient,
    runtime: Handle,
}

impl fmt::Debug for OnRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OnRuntime")
    }
}

type Sending<'a> = Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'a>>;

impl HttpClient for OnRuntime {
    fn send_bytes<'a, 'b>(&'a self, request: Request<Bytes>) -> Sending<'b>
    where
        'a: 'b,
        Self: 'b,
    {
        let client = self.client.clone();
        let sent = self
            .runtime
            .spawn(async move { client.send_bytes(request).await });
        Box::pin(async { sent.await? })
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::extract::State;
    use axum::routing::post;
    use tokio::sync::mpsc;
    use tracing::instrument::WithSubscriber as _;
    use tracing_subscriber::layer::SubscriberExt as _;
    use tracing_subscriber::{Registry, registry};

    use super::*;
    use crate::testing::TestApp;

    /// A collector on a port of loopback: its URL, and what it receives.
    async fn collector() -> (Url, mpsc::Receiver<Bytes>) {
        let (received, bodies) = mpsc::channel(16);
        let receive = async |State(received): State<mpsc::Sender<Bytes>>, body: Bytes| {
            received.send(body).await.unwrap();
        };
        let router = axum::Router::new()
            .route("/v1/traces", post(receive))
            .with_state(received);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async { axum::serve(listener, router).await });
        (
            format!("http://{address}/v1/traces").parse().unwrap(),
            bodies,
        )
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn d4_the_span_of_a_request_arrives_with_its_path_and_without_its_query() {
        let (endpoint, mut bodies) = collector().await;
        let test = TestApp::sqlite().await;
        let config = Config {
            otlp_endpoint: Some(endpoint),
            ..test.app.config.clone()
        };
        let (layer, traces) = start(&config, &Handle::current()).unwrap();
        let request = Request::get("/v1/nowhere?token=hunter2").body(Body::empty());
        let answer = test
            .auth(request.unwrap())
            .with_subscriber(registry().with(layer))
            .await;
        answer.refused(404);
        tokio::task::spawn_blocking(|| traces.finish())
            .await
            .unwrap();
        let body = bodies.recv().await.unwrap();
        let exported = String::from_utf8_lossy(&body);
        for part in ["keymoor", "request", "/v1/nowhere", "correlation_id"] {
            assert!(exported.contains(part), "{part}: {exported}");
        }
        assert!(!exported.contains("hunter2"), "{exported}");
    }

    #[tokio::test]
    async fn a_collector_is_named_by_an_http_url() {
        let test = TestApp::sqlite().await;
        let config = Config {
            otlp_endpoint: Some("https://collector.example/v1/traces".parse().unwrap()),
            ..test.app.config.clone()
        };
        let refused = start::<Registry>(&config, &Handle::current()).err();
        let why = refused.unwrap().to_string();
        assert!(
            why.starts_with("KEYMOOR_OTLP_ENDPOINT: must be an http URL"),
            "{why}"
        );
    }
}
