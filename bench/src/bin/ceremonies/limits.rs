//! What the server's core could do if ceremonies were nothing but what none can do without:
//! cryptography, making it durable, and HTTP.

use std::hint::black_box;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
    UnparsedPublicKey,
};
use axum::Router;
use axum::routing::get;
use axum::serve::ListenerExt as _;
use keymoor_bench::cores::{ThreadClock, pin, thread_time};
use keymoor_bench::disk::Durable;
use tokio::net::TcpListener;

use super::flows::Flow;
use super::load::Load;

/// About as long as what is signed, in bytes: the signing inputs of a proof, of the request JWT
/// of `/authorize`, of an access token and of an ID token.
const PROOF: usize = 1_400;
const REQUEST: usize = 2_000;
const ACCESS_TOKEN: usize = 1_000;
const ID_TOKEN: usize = 600;
const LINK_TOKEN: usize = 64;

/// The least that a flow can cost.
pub(crate) struct Limit {
    pub(crate) cryptography: Cryptography,
    pub(crate) durable: Durable,
    pub(crate) empty_handler: Load,
    flow: Flow,
}

impl Limit {
    pub(crate) fn new(
        flow: Flow,
        cryptography: Cryptography,
        durable: Durable,
        empty_handler: Load,
    ) -> Self {
        Self {
            cryptography,
            durable,
            empty_handler,
            flow,
        }
    }

    /// Processor time of one in microseconds: its cryptography, an `fdatasync` for each transaction
    /// and an empty handler for each request.
    pub(crate) fn us(&self) -> f64 {
        self.cryptography.us
            + self.flow.transactions() * self.durable.us
            + self.flow.requests() * self.empty_handler.server_us()
    }

    /// How many one core could do in a second.
    pub(crate) fn per_s(&self) -> f64 {
        1e6 / self.us()
    }
}

/// The cryptography of a flow and nothing else, on one core.
#[derive(Clone, Copy)]
pub(crate) struct Cryptography {
    pub(crate) per_s: f64,
    /// Processor time of one, in microseconds.
    pub(crate) us: f64,
}

impl Cryptography {
    /// Measures for `time` on `core`.
    pub(crate) fn measure(flow: Flow, core: usize, time: Duration) -> Result<Self> {
        let measuring = thread::spawn(move || -> Result<Self> {
            pin(core)?;
            let work = Work::new();
            let (started, used) = (Instant::now(), thread_time()?);
            let mut done = 0_u32;
            while started.elapsed() < time {
                work.once(flow);
                done += 1;
            }
            let used = thread_time()?.saturating_sub(used);
            Ok(Self {
                per_s: f64::from(done) / started.elapsed().as_secs_f64(),
                us: used.as_secs_f64() * 1e6 / f64::from(done),
            })
        });
        measuring
            .join()
            .map_err(|_| anyhow!("measuring the cryptography panicked"))?
    }

    /// What lies between two measurements.
    pub(crate) fn between(self, other: Self) -> Self {
        Self {
            per_s: f64::midpoint(self.per_s, other.per_s),
            us: f64::midpoint(self.us, other.us),
        }
    }
}

struct Work {
    pair: EcdsaKeyPair,
    proof: Vec<u8>,
    signature: Vec<u8>,
}

impl Work {
    fn new() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)
            .expect("key generation has no input that could be wrong");
        let proof = vec![b'p'; PROOF];
        let signature = pair
            .sign(&SystemRandom::new(), &proof)
            .expect("a valid key signs every message");
        Self {
            signature: signature.as_ref().to_vec(),
            pair,
            proof,
        }
    }

    fn once(&self, flow: Flow) {
        match flow {
            Flow::Bind => {
                self.verify();
                black_box(digest(&SHA256, black_box(&[b't'; LINK_TOKEN])));
            }
            Flow::SignIn => {
                self.verify();
                for length in [REQUEST, ACCESS_TOKEN, ID_TOKEN] {
                    self.sign(length);
                }
            }
            Flow::ClientCredentials => self.sign(ACCESS_TOKEN),
        }
    }

    /// With a key that has just been read, as every device's is.
    fn verify(&self) {
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, self.pair.public_key());
        key.verify(black_box(&self.proof), black_box(&self.signature))
            .expect("the signature is over this message");
    }

    fn sign(&self, length: usize) {
        const MESSAGE: [u8; REQUEST] = [b'm'; REQUEST];
        let signature = self
            .pair
            .sign(&SystemRandom::new(), black_box(&MESSAGE[..length]));
        black_box(signature.expect("a valid key signs every message"));
    }
}

/// An HTTP server whose only handler does nothing.
pub(crate) struct EmptyHandler {
    pub(crate) address: SocketAddr,
    /// The thread that answers.
    pub(crate) worker: ThreadClock,
}

impl EmptyHandler {
    /// Serves on `core` for as long as this process lives.
    pub(crate) fn start(core: usize) -> Result<Self> {
        let (told, started) = mpsc::channel();
        thread::spawn(move || {
            let serving = serve_nothing(core, &told);
            // Also what went wrong before anybody could connect.
            let _listened_to = told.send(serving.and_then(|()| bail!("the listener closed")));
        });
        started.recv().context("the empty handler panicked")?
    }
}

fn serve_nothing(core: usize, told: &mpsc::Sender<Result<EmptyHandler>>) -> Result<()> {
    pin(core)?;
    let (worker_told, worker) = mpsc::channel();
    // As the server itself does on one core.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .on_thread_start(move || {
            let _listened_to = worker_told.send(ThreadClock::of_this_thread());
        })
        .enable_all()
        .build()?;
    let worker = worker.recv().context("no worker started")??;
    runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        told.send(Ok(EmptyHandler { address, worker }))?;
        let listener = listener.tap_io(|connection| {
            let _without = connection.set_nodelay(true);
        });
        let routes = Router::new().route("/", get(|| async {}));
        Ok(axum::serve(listener, routes).await?)
    })
}
